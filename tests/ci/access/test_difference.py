"""The IAM difference: who may do what afterwards, from a state and a plan."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock_ci.access import telling
from penstock_ci.access.difference import Change, Difference, difference
from penstock_ci.access.rights import Unread, concerns, rights
from penstock_ci.comment import markdown
from penstock_ci.comment.reports import Reports
from penstock_ci.output import Output
from penstock_ci.plans import PlannedResource
from penstock_policy.resource import UNKNOWN

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
READ = {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::lake/*"]}
BOUNDARY = "arn:aws:iam::123456789012:policy/penstock-boundary"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:dev::p::{type_}::{name}"


def state(type_: str, name: str = "it", **inputs: Any) -> dict[str, Any]:
    return {"urn": urn(type_, name), "type": type_, "inputs": inputs}


def planned(type_: str, name: str = "it", operation: Any = "update", **inputs: Any) -> PlannedResource:
    return PlannedResource(
        urn=urn(type_, name), type=type_, name=name, operation=operation, protect=False, inputs=inputs
    )


def told(found: Difference) -> list[tuple[str, bool, str, tuple[str, ...], tuple[str, ...], str]]:
    return [(item.sign, item.widens, item.who, item.actions, item.on, item.when) for item in found.changes]


def test_a_new_action_on_a_resource_is_one_row() -> None:
    more = READ | {"Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]}
    found = difference(
        [state(ROLE_POLICY, role="training", policy=document(READ))],
        [planned(ROLE_POLICY, role="training", policy=document(more))],
    )
    assert told(found) == [
        ("+", True, "role training", ("s3:DeleteObject", "s3:PutObject"), ("arn:aws:s3:::lake/*",), "")
    ]


def test_the_same_written_otherwise_is_no_change() -> None:
    again = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::lake/*"}
    before = [state(ROLE_POLICY, role="training", policy=document(READ))]
    assert difference(before, [planned(ROLE_POLICY, role="training", policy=document(again))]).empty
    moved = [
        planned(ROLE_POLICY, operation="delete", role="training", policy=document(READ)),
        planned(ROLE_POLICY, "other", "create", role="training", policy=document(READ)),
    ]
    assert difference(before, moved).empty, "it only moves to another policy of the same role"


def test_what_is_taken_away_and_what_is_denied_allow_less() -> None:
    deny = READ | {"Sid": "No", "Effect": "Deny", "Action": "s3:DeleteObject"}
    before = [state(ROLE_POLICY, role="training", policy=document(READ))]
    found = difference(before, [planned(ROLE_POLICY, role="training", policy=document(deny))])
    assert [(item.sign, item.widens, item.effect) for item in found.changes] == [
        ("+", False, "Deny"),
        ("-", False, "Allow"),
    ]
    lifted = difference(
        [state(ROLE_POLICY, role="training", policy=document(READ, deny))],
        [planned(ROLE_POLICY, role="training", policy=document(READ))],
    )
    assert [(item.sign, item.widens, item.effect) for item in lifted.changes] == [("-", True, "Deny")]
    gone = difference(before, [planned(ROLE_POLICY, operation="delete", role="training", policy=document(READ))])
    assert told(gone) == [("-", False, "role training", ("s3:GetObject",), ("arn:aws:s3:::lake/*",), "")]


def test_a_change_of_trust_is_shown_with_its_conditions() -> None:
    def trust(environment: str) -> str:
        return document(
            {
                "Effect": "Allow",
                "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/github"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringEquals": {"github:sub": [f"repo:a/b:environment:{environment}"]}},
            }
        )

    found = difference(
        [state(ROLE, assumeRolePolicy=trust("staging"))],
        [planned(ROLE, assumeRolePolicy=trust("prod"))],
    )
    assert [(item.sign, item.kind, item.when) for item in found.changes] == [
        ("+", "trust", "github:sub StringEquals repo:a/b:environment:prod"),
        ("-", "trust", "github:sub StringEquals repo:a/b:environment:staging"),
    ]


def test_a_boundary_that_goes_allows_more() -> None:
    found = difference(
        [state(ROLE, permissionsBoundary=BOUNDARY)], [PlannedResource(
            urn=urn(ROLE, "it"), type=ROLE, name="it", operation="update", protect=False, inputs={}
        )]
    )  # fmt: skip
    assert [(item.sign, item.widens, item.kind, item.on) for item in found.changes] == [
        ("-", True, "boundary", (BOUNDARY,))
    ]


def test_managed_policies_are_shown_as_attached() -> None:
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    found = difference([], [planned(ATTACHMENT, operation="create", role="training", policyArn=admin)])
    assert [(item.kind, item.who, item.on) for item in found.changes] == [("attachment", "role training", (admin,))]


@pytest.mark.parametrize(
    ("type_", "inputs", "who", "action", "on"),
    [
        (
            "aws:kms/key:Key",
            {
                "policy": document(
                    {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "kms:Decrypt", "Resource": "*"}
                )
            },
            "account 123456789012",
            "kms:Decrypt",
            "Key it",
        ),
        (
            "aws:s3/bucketPolicy:BucketPolicy",
            {
                "policy": document(
                    {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::x/*"}
                )
            },
            "everyone",
            "s3:GetObject",
            "arn:aws:s3:::x/*",
        ),
        (
            "aws:sqs/queue:Queue",
            {"policy": document({"Effect": "Allow", "NotPrincipal": {"AWS": "a"}, "NotAction": ["sqs:A", "sqs:B"]})},
            'everyone but {"AWS": "a"}',
            "all but sqs:A, sqs:B",
            "Queue it",
        ),
        (
            "aws:iam/policy:Policy",
            {"name": "boundary", "policy": document({"Effect": "Allow", "Action": "a:B", "NotResource": "arn:x"})},
            "policy boundary",
            "a:B",
            "all but arn:x",
        ),
        (
            "aws:lambda/permission:Permission",
            {"principal": "events.amazonaws.com", "action": "lambda:InvokeFunction", "function": "stop"},
            "events.amazonaws.com",
            "lambda:InvokeFunction",
            "function stop",
        ),
        (
            "aws:lakeformation/permissions:Permissions",
            {"principal": "arn:r", "permissions": ["SELECT"], "permissionsWithGrantOptions": ["SELECT"],
             "database": {"name": "lake"}},
            "arn:r",
            "lakeformation SELECT (and hand it on)",
            'database {"name": "lake"}',
        ),
        (
            "aws:kms/grant:Grant",
            {"granteePrincipal": "arn:r", "operations": ["Decrypt"], "keyId": "k"},
            "arn:r",
            "kms:Decrypt",
            "k",
        ),
        (
            "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
            {"url": "https://issuer", "clientIdLists": ["sts.amazonaws.com"]},
            "tokens of https://issuer",
            "are looked at by roles' trust",
            "the account",
        ),
    ],
)  # fmt: skip
def test_how_each_kind_is_read(type_: str, inputs: dict[str, Any], who: str, action: str, on: str) -> None:
    (right,) = rights(type_, "it", inputs)
    assert (right.who, right.action, right.on) == (who, action, on)


def test_what_is_not_known_yet_is_listed_and_compared_on_neither_side() -> None:
    found = difference(
        [state(ROLE_POLICY, role="training", policy=document(READ))],
        [
            planned(ROLE_POLICY, role="training", policy=UNKNOWN),
            planned("aws:iam/user:User", "alice", "create"),
            planned("aws:iam/policy:Policy", "p", "create", policy={"hidden": "in the state"}),
            planned("aws:iam/policy:Policy", "q", "create", policy="{"),
            planned("aws:iam/user:User", "bob", "same"),
        ],
    )
    assert found.changes == ()
    assert [(item.name, item.why) for item in found.unread] == [
        ("it", "its policy is known only when it is made"),
        ("alice", "this kind of resource is not read: look at it yourself"),
        ("p", "its policy is hidden in the state"),
        ("q", "its policy is no JSON"),
    ]
    with pytest.raises(Unread):
        rights("aws:lakeformation/permissions:Permissions", "it", {"permissions": ["ALL"], "database": UNKNOWN})


def test_resources_that_the_plan_leaves_alone_change_nothing() -> None:
    assert difference([state(ROLE_POLICY, role="training", policy=document(READ))], []).empty


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        (ROLE, True),
        ("aws:iam/instanceProfile:InstanceProfile", True),
        ("aws:glue/resourcePolicy:ResourcePolicy", True),
        ("aws:ecr/registryPolicy:RegistryPolicy", True),
        ("aws:ecr/lifecyclePolicy:LifecyclePolicy", False),
        ("aws:appautoscaling/policy:Policy", False),
        ("aws:s3/bucket:Bucket", False),
    ],
)
def test_types_that_say_who_may_do_what(type_: str, expected: bool) -> None:
    assert concerns(type_) is expected


def change(number: int = 0, **values: Any) -> Change:
    return Change(**{
        "sign": "+", "widens": True, "kind": "permission", "who": f"role r{number}", "effect": "Allow",
        "actions": ("s3:GetObject",), "on": ("arn:x",), "when": "", **values,
    })  # fmt: skip


def test_it_is_told_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    many = tuple(f"s3:A{number}" for number in range(6))
    telling.show(
        Output(),
        Difference(changes=(change(actions=many), change(1, sign="-", widens=False, effect="Deny", when="a is b"))),
    )
    out, err = capsys.readouterr()
    assert err == "IAM: 1 row allows more, 1 row allows less\n"
    assert out.splitlines() == [
        "+ IAM role r0  s3:A0, s3:A1, s3:A2 and 3 more  arn:x",
        "- IAM role r1  never s3:GetObject              arn:x  a is b",
    ]
    telling.show(Output(), Difference())
    assert "nobody's rights change" in capsys.readouterr().err
    telling.show(Output(), Difference(changes=tuple(change(number) for number in range(60))))
    assert "and 20 more rows" in capsys.readouterr().err


def test_the_pull_requests_comment_has_it_too() -> None:
    preview = {
        "ok": True,
        "counts": {},
        "changes": [],
        "iam": Difference(changes=(change(who="role `a|b`"),)).document(),
    }
    text = markdown.render("m", Reports(preview=preview))
    assert "### Permissions\n\n|  | who | may | on | when |\n| --- | --- | --- | --- | --- |\n" in text
    assert "| ➕ | `role 'a/b'` | `s3:GetObject` | `arn:x` |  |" in text
    assert "1 of them allows more than before" in text
    unread = difference([], [planned(ROLE_POLICY, operation="create", role="r", policy=UNKNOWN)]).document()
    assert (
        "Not compared:\n\n- create `aws:iam/rolePolicy:RolePolicy` `it`: its policy is known only"
        in markdown.render("m", Reports(preview=preview | {"iam": unread}))
    )
    nothing = markdown.render("m", Reports(preview=preview | {"iam": Difference().document()}))
    assert "### Permissions\n\nNobody's rights change." in nothing
    assert "### Permissions" not in markdown.render("m", Reports(preview={"ok": True, "counts": {}, "changes": []}))
