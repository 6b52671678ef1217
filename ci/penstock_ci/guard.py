"""What must hold before a stack on AWS is worked on: that the credentials are of its account, and that production is meant.

An account is a stack's by `aws:allowedAccountIds` in its file (which Pulumi's AWS provider checks as well, so that plain
`pulumi up` stops, too), or by the record that `penstock bootstrap --stack STACK` leaves in the account's state bucket.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from penstock_ci import policy, stackfiles
from penstock_ci.errors import UserError
from penstock_policy import Environment
from penstock_policy.configuration import decoded

if TYPE_CHECKING:
    from penstock_ci.projects import Project
    from penstock_ci.target import Target

ALLOWED = "aws:allowedAccountIds"
FORBIDDEN = "aws:forbiddenAccountIds"
_ASSUMED = ("aws:assumeRole", "aws:assumeRoles")
_ROLE = re.compile(r"arn:[a-z-]+:iam::(\d{12}):role/.+")


def account(target: Target, project: Project, configuration: Mapping[str, str] = {}) -> None:
    """Refuse credentials of another account than the stack's. On the local cloud the provider heeds what the file says.

    Raises:
        UserError: the account is another one, or nothing says which one a production stack belongs to.
    """
    if target.is_local:
        return
    files = stackfiles.read(project.folder, target.stack, configuration)
    found = _worked_in(target, files.values)
    where = f"Pulumi.{target.stack}.yaml of {project.name}"
    allowed = _ids(files.values.get(ALLOWED), f"{ALLOWED} in {where}")
    if found in _ids(files.values.get(FORBIDDEN), f"{FORBIDDEN} in {where}"):
        raise UserError(
            f"the credentials are of AWS account {found}, which {FORBIDDEN} of {where} forbids",
            "use those of the stack's own account (AWS_PROFILE)",
        )
    if allowed:
        if found not in allowed:
            raise UserError(
                f"the stack '{target.stack}' belongs to AWS account {' or '.join(allowed)}, but the credentials are of {found}",
                f"use those of the stack's own account (AWS_PROFILE), or correct {ALLOWED} in {where}",
            )
        return
    _by_record(target, found, policy.settings(project.folder, target.stack, configuration).environment, where)


def production(
    target: Target, project: Project, configuration: Mapping[str, str] = {}, *, meant: bool, action: str
) -> None:
    """Refuse to change production unless it is said (`--yes-production`) or a job of CI's environment does it.

    A job is known by its session: a role of the kit that trusts that GitHub environment alone, which no variable can fake.

    Raises:
        UserError: neither holds.
    """
    if target.is_local or meant:
        return
    if policy.settings(project.folder, target.stack, configuration).environment is not Environment.PRODUCTION:
        return
    if target.environment.get("GITHUB_ACTIONS") == "true" and is_ci_session(target.identity(), target.stack):
        return
    raise UserError(
        f"{action} of {project.name} changes production: the stack '{target.stack}'",
        "let CI do it, in the environment that its deploy role trusts; or add --yes-production "
        "(if it is none: policy:environment in the stack's file says what it is)",
    )


def is_ci_session(arn: str, stack: str) -> bool:
    """Whether a caller is a session of the platform's role, or of the stack's train or deploy roles, of the kit."""
    return (
        re.fullmatch(
            rf"arn:[a-z-]+:sts::\d{{12}}:assumed-role/(penstock-platform|penstock-{re.escape(stack)}-(train|deploy))-[^/]+/.+",
            arn,
        )
        is not None
    )


def _by_record(target: Target, found: str, environment: Environment | None, where: str) -> None:
    """Compare with what bootstrap recorded in the account; only production needs a record."""
    from penstock_ci.bootstrap import recorded_stacks

    stacks = recorded_stacks(target)
    if stacks is not None and target.stack not in stacks:
        raise UserError(
            f"the stack '{target.stack}' was not bootstrapped in AWS account {found} ({', '.join(stacks)} "
            f"{'was' if len(stacks) == 1 else 'were'})",
            f"use the credentials of its own account, or: penstock bootstrap --stack {target.stack}",
        )
    if stacks is None and environment is Environment.PRODUCTION:
        raise UserError(
            f"nothing says that the stack '{target.stack}' belongs to AWS account {found}",
            f'set {ALLOWED}: ["{found}"] in {where}, or: penstock bootstrap --stack {target.stack}',
        )


def _worked_in(target: Target, values: Mapping[str, Any]) -> str:
    """The account that the provider works in: the credentials', or that of the role that it takes."""
    for key in _ASSUMED:
        roles = decoded(values.get(key))
        for role in reversed(roles if isinstance(roles, list) else [roles]):
            match = _ROLE.fullmatch(str(role.get("roleArn", ""))) if isinstance(role, Mapping) else None
            if match:
                return match[1]
    return target.account()


def _ids(value: Any, where: str) -> tuple[str, ...]:
    setting = decoded(value)
    given: Iterable[Any] = setting if isinstance(setting, list) else [] if setting in (None, "") else [setting]
    ids = tuple(str(entry).zfill(12) if isinstance(entry, int) else str(entry) for entry in given)
    if wrong := [entry for entry in ids if not re.fullmatch(r"\d{12}", entry)]:
        raise UserError(
            f"{where}: {', '.join(wrong)} is no account id", 'write twelve digits in quotes: ["123456789012"]'
        )
    return ids
