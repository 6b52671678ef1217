"""The policies as a pack of Pulumi's own CLI: `pulumi preview --policy-pack PATH/infra/policy`.

The one module that imports pulumi_policy, which lives in an environment of its own (requirements/policy.txt).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from penstock_policy import POLICIES, Level, Policy, SettingsError, pack


def main() -> int:
    """Serve the pack until the CLI ends it; 1 when it cannot start."""
    try:
        from pulumi_policy import EnforcementLevel, PolicyPack, StackValidationPolicy
        from pulumi_policy.proxy import UnknownValueError
    except ModuleNotFoundError as error:
        print(
            f"the policy pack needs {error.name}, which is not installed here; make its environment:\n"
            "  uv venv infra/policy/.venv && uv pip sync --python infra/policy/.venv/bin/python requirements/policy.txt",
            file=sys.stderr,
        )
        return 1
    try:
        settings = pack.settings(os.environ, POLICIES)
    except SettingsError as error:
        print(str(error), file=sys.stderr)
        return 1
    enforcement = {
        Level.MANDATORY: EnforcementLevel.MANDATORY,
        Level.ADVISORY: EnforcementLevel.ADVISORY,
        Level.DISABLED: EnforcementLevel.DISABLED,
    }

    def validate(policy: Policy) -> Callable[[Any, Callable[..., None]], None]:
        def judge_stack(arguments: Any, report_violation: Callable[..., None]) -> None:
            if policy.needs_operation:
                arguments.not_applicable(pack.NEEDS_A_PREVIEW)
            for finding in pack.findings(policy, arguments.resources, settings, UnknownValueError):
                report_violation(f"{finding.name}: {finding.message}. {finding.remedy}", finding.urn)

        return judge_stack

    PolicyPack(
        name="penstock",
        description="What no stack of Penstock may contain",
        policies=[
            StackValidationPolicy(
                name=policy.name,
                description=policy.description,
                enforcement_level=enforcement[pack.level(policy, settings)],
                validate=validate(policy),
            )
            for policy in POLICIES
        ],
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
