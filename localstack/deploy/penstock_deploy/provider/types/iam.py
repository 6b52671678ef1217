"""IAM: roles, policies and what binds them, OIDC providers, policy documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import function, resource
from penstock_deploy.provider.resource_type import ResourceType, absent, sync_tags, tag_list, tag_map
from penstock_deploy.values import Properties

_LARGEST_POLICY_VERSIONS = 5


def _sync(inputs: Properties, old: Properties, tag: Callable[..., Any], untag: Callable[..., Any], **who: str) -> None:
    sync_tags(inputs, old, lambda tags: tag(**who, Tags=tag_list(tags)), lambda keys: untag(**who, TagKeys=keys))


def _document(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@resource
class Role(ResourceType):
    pulumi_type = "aws:iam/role:Role"
    inputs = (
        "name assumeRolePolicy path description maxSessionDuration forceDetachPolicies permissionsBoundary "
        "managedPolicyArns inlinePolicies"
    )
    outputs = "arn createDate uniqueId"
    required = "assumeRolePolicy"
    immutable = "name path"
    defaults: ClassVar[dict[str, Any]] = {"path": "/", "maxSessionDuration": 3600, "forceDetachPolicies": False}
    policies = "assumeRolePolicy"
    sets = "managedPolicyArns inlinePolicies"
    named = "name"
    prefix = "namePrefix"
    taggable = True
    regional = False

    def create(self, aws: Aws, inputs: Properties) -> str:
        request: dict[str, Any] = {
            "RoleName": inputs["name"],
            "AssumeRolePolicyDocument": inputs["assumeRolePolicy"],
            "Path": inputs["path"],
            "MaxSessionDuration": int(inputs["maxSessionDuration"]),
            "Tags": tag_list(inputs.get("tags")),
        }
        if inputs.get("description"):
            request["Description"] = inputs["description"]
        if inputs.get("permissionsBoundary"):
            request["PermissionsBoundary"] = inputs["permissionsBoundary"]
        iam = aws.client("iam")
        iam.create_role(**request)
        aws.made = str(inputs["name"])
        self._attach(iam, inputs["name"], inputs.get("managedPolicyArns") or [], [])
        self._inline(iam, inputs["name"], inputs.get("inlinePolicies") or [], [])
        return str(inputs["name"])

    @staticmethod
    def _attach(iam: Any, role: str, wanted: list[str], present: list[str]) -> None:
        for arn in sorted(set(present) - set(wanted)):
            iam.detach_role_policy(RoleName=role, PolicyArn=arn)
        for arn in sorted(set(wanted) - set(present)):
            iam.attach_role_policy(RoleName=role, PolicyArn=arn)

    @staticmethod
    def _inline(iam: Any, role: str, wanted: list[Properties], present: list[Properties]) -> None:
        names = {item["name"] for item in wanted if item.get("name")}
        for item in present:
            if item.get("name") and item["name"] not in names:
                absent(lambda name=item["name"]: iam.delete_role_policy(RoleName=role, PolicyName=name))  # type: ignore[misc]
        for item in wanted:
            if item.get("name"):
                iam.put_role_policy(RoleName=role, PolicyName=item["name"], PolicyDocument=item["policy"])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        iam = aws.client("iam")
        answer = absent(lambda: iam.get_role(RoleName=id_))
        if answer is None:
            return None
        role = answer["Role"]
        found: Properties = {
            "name": id_,
            "arn": role["Arn"],
            "uniqueId": role["RoleId"],
            "createDate": role["CreateDate"].isoformat(),
            "path": role["Path"],
            "assumeRolePolicy": _document(role["AssumeRolePolicyDocument"]),
            "description": role.get("Description") or None,
            "maxSessionDuration": role.get("MaxSessionDuration", 3600),
            "permissionsBoundary": (role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn"),
            "tags": tag_map(role.get("Tags")),
        }
        if "managedPolicyArns" in known:
            attached = iam.list_attached_role_policies(RoleName=id_)["AttachedPolicies"]
            found["managedPolicyArns"] = [item["PolicyArn"] for item in attached]
        if "inlinePolicies" in known:
            names = iam.list_role_policies(RoleName=id_)["PolicyNames"]
            found["inlinePolicies"] = [
                {
                    "name": name,
                    "policy": _document(iam.get_role_policy(RoleName=id_, PolicyName=name)["PolicyDocument"]),
                }
                for name in names
            ]
        return found

    def canonical(self, name: str, value: Any) -> Any:
        if name == "inlinePolicies" and isinstance(value, list):
            return sorted(
                ((item.get("name"), json.dumps(_loaded(item.get("policy")), sort_keys=True)) for item in value),
                key=str,
            )
        return super().canonical(name, value)

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        iam = aws.client("iam")
        if "assumeRolePolicy" in changed:
            iam.update_assume_role_policy(RoleName=id_, PolicyDocument=inputs["assumeRolePolicy"])
        if changed & {"description", "maxSessionDuration"}:
            iam.update_role(
                RoleName=id_,
                Description=inputs.get("description") or "",
                MaxSessionDuration=int(inputs["maxSessionDuration"]),
            )
        if "permissionsBoundary" in changed:
            if inputs.get("permissionsBoundary"):
                iam.put_role_permissions_boundary(RoleName=id_, PermissionsBoundary=inputs["permissionsBoundary"])
            else:
                iam.delete_role_permissions_boundary(RoleName=id_)
        if "managedPolicyArns" in changed:
            self._attach(iam, id_, inputs.get("managedPolicyArns") or [], old.get("managedPolicyArns") or [])
        if "inlinePolicies" in changed:
            self._inline(iam, id_, inputs.get("inlinePolicies") or [], old.get("inlinePolicies") or [])
        if "tags" in changed:
            _sync(inputs, old, iam.tag_role, iam.untag_role, RoleName=id_)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        iam = aws.client("iam")
        detach = set(inputs.get("managedPolicyArns") or [])
        drop = {item["name"] for item in inputs.get("inlinePolicies") or [] if item.get("name")}
        if inputs.get("forceDetachPolicies"):
            attached = absent(lambda: iam.list_attached_role_policies(RoleName=id_)["AttachedPolicies"]) or []
            detach |= {item["PolicyArn"] for item in attached}
            drop |= set(absent(lambda: iam.list_role_policies(RoleName=id_)["PolicyNames"]) or [])
        for arn in sorted(detach):
            absent(lambda arn=arn: iam.detach_role_policy(RoleName=id_, PolicyArn=arn))  # type: ignore[misc]
        for name in sorted(drop):
            absent(lambda name=name: iam.delete_role_policy(RoleName=id_, PolicyName=name))  # type: ignore[misc]
        absent(lambda: iam.delete_role(RoleName=id_))

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs["name"])


def _loaded(policy: Any) -> Any:
    try:
        return json.loads(policy)
    except (TypeError, ValueError):
        return policy


@resource
class RolePolicy(ResourceType):
    pulumi_type = "aws:iam/rolePolicy:RolePolicy"
    inputs = "role policy name"
    required = "role policy"
    immutable = "role name"
    policies = "policy"
    named = "name"
    prefix = "namePrefix"
    name_limit = 128
    regional = False

    def create(self, aws: Aws, inputs: Properties) -> str:
        aws.client("iam").put_role_policy(
            RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"]
        )
        return f"{inputs['role']}:{inputs['name']}"

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:  # noqa: ARG002
        role, name = id_.split(":", 1)
        answer = absent(lambda: aws.client("iam").get_role_policy(RoleName=role, PolicyName=name))
        if answer is None:
            return None
        return {"role": role, "name": name, "policy": _document(answer["PolicyDocument"])}

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:  # noqa: ARG002
        self.create(aws, inputs)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        role, name = id_.split(":", 1)
        absent(lambda: aws.client("iam").delete_role_policy(RoleName=role, PolicyName=name))

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return f"{inputs['role']}:{inputs['name']}"


@resource
class Policy(ResourceType):
    pulumi_type = "aws:iam/policy:Policy"
    inputs = "name path description policy delayAfterPolicyCreationInMs"
    outputs = "arn policyId"
    required = "policy"
    immutable = "name path description"
    defaults: ClassVar[dict[str, Any]] = {"path": "/"}
    policies = "policy"
    named = "name"
    prefix = "namePrefix"
    name_limit = 128
    taggable = True
    regional = False

    def create(self, aws: Aws, inputs: Properties) -> str:
        request = {
            "PolicyName": inputs["name"],
            "Path": inputs["path"],
            "PolicyDocument": inputs["policy"],
            "Tags": tag_list(inputs.get("tags")),
        }
        if inputs.get("description"):
            request["Description"] = inputs["description"]
        return str(aws.client("iam").create_policy(**request)["Policy"]["Arn"])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:  # noqa: ARG002
        iam = aws.client("iam")
        answer = absent(lambda: iam.get_policy(PolicyArn=id_))
        if answer is None:
            return None
        policy = answer["Policy"]
        version = iam.get_policy_version(PolicyArn=id_, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
        return {
            "arn": id_,
            "name": policy["PolicyName"],
            "path": policy["Path"],
            "description": policy.get("Description") or None,
            "policyId": policy["PolicyId"],
            "policy": _document(version["Document"]),
            "tags": tag_map(policy.get("Tags")),
        }

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        iam = aws.client("iam")
        if "policy" in changed:
            versions = iam.list_policy_versions(PolicyArn=id_)["Versions"]
            if len(versions) >= _LARGEST_POLICY_VERSIONS:
                oldest = min((v for v in versions if not v["IsDefaultVersion"]), key=lambda v: v["CreateDate"])
                iam.delete_policy_version(PolicyArn=id_, VersionId=oldest["VersionId"])
            iam.create_policy_version(PolicyArn=id_, PolicyDocument=inputs["policy"], SetAsDefault=True)
        if "tags" in changed:
            _sync(inputs, old, iam.tag_policy, iam.untag_policy, PolicyArn=id_)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        iam = aws.client("iam")
        versions = absent(lambda: iam.list_policy_versions(PolicyArn=id_)["Versions"]) or []
        for version in versions:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=id_, VersionId=version["VersionId"])
        absent(lambda: iam.delete_policy(PolicyArn=id_))

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        return aws.arn("iam", f"policy{inputs['path']}{inputs['name']}", regional=False)


@resource
class RolePolicyAttachment(ResourceType):
    pulumi_type = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    inputs = "role policyArn"
    required = "role policyArn"
    immutable = "role policyArn"
    regional = False

    def create(self, aws: Aws, inputs: Properties) -> str:
        aws.client("iam").attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
        return f"{inputs['role']}/{inputs['policyArn']}"

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:  # noqa: ARG002
        role, arn = id_.split("/", 1)
        iam = aws.client("iam")

        def attached() -> bool:
            pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=role)
            return any(item["PolicyArn"] == arn for page in pages for item in page["AttachedPolicies"])

        return {"role": role, "policyArn": arn} if absent(attached) else None

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        role, arn = id_.split("/", 1)
        absent(lambda: aws.client("iam").detach_role_policy(RoleName=role, PolicyArn=arn))

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return f"{inputs['role']}/{inputs['policyArn']}"


@resource
class OpenIdConnectProvider(ResourceType):
    pulumi_type = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
    inputs = "url clientIdLists thumbprintLists"
    outputs = "arn thumbprintLists"
    required = "url clientIdLists"
    immutable = "url"
    sets = "clientIdLists"
    taggable = True
    regional = False

    def create(self, aws: Aws, inputs: Properties) -> str:
        request: dict[str, Any] = {
            "Url": inputs["url"],
            "ClientIDList": inputs["clientIdLists"],
            "Tags": tag_list(inputs.get("tags")),
        }
        if inputs.get("thumbprintLists"):
            request["ThumbprintList"] = inputs["thumbprintLists"]
        return str(aws.client("iam").create_open_id_connect_provider(**request)["OpenIDConnectProviderArn"])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        iam = aws.client("iam")
        answer = absent(lambda: iam.get_open_id_connect_provider(OpenIDConnectProviderArn=id_))
        if answer is None:
            return None
        bare = answer["Url"]
        given = str(known.get("url") or "")
        url = given if given.removeprefix("https://") == bare.removeprefix("https://") else f"https://{bare}"
        return {
            "arn": id_,
            "url": url,
            "clientIdLists": answer.get("ClientIDList", []),
            "thumbprintLists": answer.get("ThumbprintList", []),
            "tags": tag_map(answer.get("Tags")),
        }

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        iam = aws.client("iam")
        who = {"OpenIDConnectProviderArn": id_}
        if "clientIdLists" in changed:
            before, after = set(old.get("clientIdLists") or []), set(inputs["clientIdLists"])
            for client in sorted(after - before):
                iam.add_client_id_to_open_id_connect_provider(**who, ClientID=client)
            for client in sorted(before - after):
                iam.remove_client_id_from_open_id_connect_provider(**who, ClientID=client)
        if "thumbprintLists" in changed and inputs.get("thumbprintLists"):
            iam.update_open_id_connect_provider_thumbprint(**who, ThumbprintList=inputs["thumbprintLists"])
        if "tags" in changed:
            _sync(inputs, old, iam.tag_open_id_connect_provider, iam.untag_open_id_connect_provider, **who)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        absent(lambda: aws.client("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=id_))

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        return aws.arn("iam", f"oidc-provider/{str(inputs['url']).removeprefix('https://')}", regional=False)


def _one(items: list[str]) -> Any:
    return items[0] if len(items) == 1 else sorted(items)


def _principals(entries: list[Properties]) -> Any:
    grouped: dict[str, list[str]] = {}
    for entry in entries:
        grouped.setdefault(entry["type"], []).extend(entry["identifiers"])
    if grouped == {"*": ["*"]}:
        return "*"
    return {kind: _one(names) for kind, names in grouped.items()}


def _statement(statement: Properties) -> dict[str, Any]:
    result: dict[str, Any] = {}
    if statement.get("sid"):
        result["Sid"] = statement["sid"]
    result["Effect"] = statement.get("effect") or "Allow"
    for ours, theirs in (
        ("actions", "Action"),
        ("notActions", "NotAction"),
        ("resources", "Resource"),
        ("notResources", "NotResource"),
    ):
        if statement.get(ours):
            result[theirs] = _one(statement[ours])
    for ours, theirs in (("principals", "Principal"), ("notPrincipals", "NotPrincipal")):
        if statement.get(ours):
            result[theirs] = _principals(statement[ours])
    for condition in statement.get("conditions") or []:
        tests = result.setdefault("Condition", {}).setdefault(condition["test"], {})
        before = tests.get(condition["variable"], [])
        before = before if isinstance(before, list) else [before]
        values = condition["values"]
        tests[condition["variable"]] = values[0] if len(values) == 1 and not before else [*before, *values]
    return result


@function("aws:iam/getPolicyDocument:getPolicyDocument")
def get_policy_document(aws: Aws, arguments: Properties) -> Properties:  # noqa: ARG001
    """The document as the real provider writes it; sources come first, overrides replace statements of the same id."""
    statements: list[dict[str, Any]] = []
    for source in arguments.get("sourcePolicyDocuments") or []:
        statements += _statements_of(source)
    statements += [_statement(item) for item in arguments.get("statements") or []]
    for override in arguments.get("overridePolicyDocuments") or []:
        for item in _statements_of(override):
            same = next((i for i, s in enumerate(statements) if item.get("Sid") and s.get("Sid") == item["Sid"]), None)
            if same is None:
                statements.append(item)
            else:
                statements[same] = item
    document: dict[str, Any] = {"Version": arguments.get("version") or "2012-10-17"}
    if arguments.get("policyId"):
        document["Id"] = arguments["policyId"]
    document["Statement"] = statements
    text = json.dumps(document, indent=2)
    return {**arguments, "json": text, "minifiedJson": json.dumps(document, separators=(",", ":")), "id": "document"}


def _statements_of(document: str) -> list[dict[str, Any]]:
    found = json.loads(document).get("Statement") or []
    return found if isinstance(found, list) else [found]
