"""The registry as other accounts reach it: by ARN, and as far as the resource policy of the group lets them.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy-xaccount.html and, for what is decided and what is
said, "Cross-account policy evaluation logic" and "Troubleshoot access denied error messages" of the IAM user guide. A
request is the account's own (its root); identity policies are not evaluated. Conditions are not either: an Allow that
has one allows nothing, a Deny that has one denies.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import replace
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker import service
from penstock_services.store import Scope

Record = dict[str, Any]
POLICY = "ModelPackageGroupPolicy"
_GROUP, _PACKAGE = "model-package-group", "model-package"
_OF_VERSIONS = ("CreateModelPackage", "ListModelPackages")
"""Name a group, but AWS's example grants them on its versions; a grant on the group itself counts too."""


def reached(context: Context, operation: str, name_or_arn: str) -> Context:
    """The context of the account that has the model package or group: this one's own for a name or an ARN of its own.

    Raises AccessDeniedException where the ARN is another account's and the policy of the group there does not allow the
    operation (``DescribeModelPackage``...) to this account, or where there is no such group: that is not told.
    """
    parts = name_or_arn.split(":", 5)
    if len(parts) < 6 or parts[3] != context.scope.region or parts[4] == context.scope.account:
        return context
    type_, _, rest = parts[5].partition("/")
    group = rest if type_ == _GROUP else rest.rpartition("/")[0]
    resources = [name_or_arn]
    if operation in _OF_VERSIONS:
        resources.append(":".join([*parts[:5], f"{_PACKAGE}/{group}/*"]))
    there = replace(context, scope=Scope(parts[4], parts[3]))
    there.call = functools.partial(service.serve, there)
    policy = there.store.get(there.scope, POLICY, group)
    effects = _effects(policy, context.scope.account, f"sagemaker:{operation}", resources)
    if effects != {"Allow"}:
        raise _denied(context, operation, name_or_arn, explicit="Deny" in effects)
    return there


def _denied(context: Context, operation: str, arn: str, *, explicit: bool) -> ServiceError:
    action = f"sagemaker:{operation}"
    because = (
        "with an explicit deny in a resource-based policy"
        if explicit
        else f"because no resource-based policy allows the {action} action"
    )
    user = f"arn:{arn.split(':')[1]}:iam::{context.scope.account}:root"
    message = f"User: {user} is not authorized to perform: {action} on resource: {arn} {because}"
    return ServiceError("AccessDeniedException", message)


def _effects(policy: Record | None, account: str, action: str, resources: list[str]) -> set[str]:
    """The effects of the statements that speak of this request."""
    if policy is None:
        return set()
    statements = _listed(json.loads(policy["ResourcePolicy"])["Statement"])
    return {
        statement["Effect"]
        for statement in statements
        if (statement["Effect"] == "Deny" or "Condition" not in statement)
        and _speaks_of(statement, "Principal", lambda given: _is_account(given, account))
        and _speaks_of(statement, "Action", lambda given: _matches(given, action, re.IGNORECASE))
        and _speaks_of(statement, "Resource", lambda given: any(_matches(given, each) for each in resources))
    }


def _speaks_of(statement: Record, element: str, means: Any) -> bool:
    """Whether an element of a statement, or its Not..., covers the request."""
    if element in statement:
        return any(means(each) for each in _listed(statement[element]))
    return f"Not{element}" in statement and not any(means(each) for each in _listed(statement[f"Not{element}"]))


def _is_account(principal: Any, account: str) -> bool:
    """Whether a principal is everyone or the account: by its id, or by the ARN of its root."""
    named = _listed(principal.get("AWS", [])) if isinstance(principal, dict) else [principal]
    return any(each in ("*", account) or re.fullmatch(rf"arn:aws[\w-]*:iam::{account}:root", each) for each in named)


def _matches(pattern: str, value: str, flags: int = 0) -> bool:
    """Whether a value is of a pattern, in which ``*`` stands for any characters and ``?`` for one."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, value, flags) is not None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
