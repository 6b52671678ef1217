"""`python -m penstock_deploy up|preview|destroy|refresh|outputs|export|unlock --cwd DIR --stack S`"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from penstock_deploy.deployment import Deployment
from penstock_deploy.errors import DeploymentError

_WRONG_USE = 2


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m penstock_deploy", description=__doc__)
    parser.add_argument("operation", choices=["up", "preview", "destroy", "refresh", "outputs", "export", "unlock"])
    parser.add_argument("--cwd", type=Path, default=Path(), help="folder of the Pulumi project")
    parser.add_argument("--stack", default="local", help="name of the stack (default: local)")
    parser.add_argument("--python", type=Path, help="interpreter that runs the program")
    parser.add_argument("--config", action="append", default=[], metavar="KEY=VALUE", help="add to the configuration")
    parser.add_argument("--parallel", type=int, default=8, help="steps at once (default: 8)")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON document")
    parser.add_argument("--show-secrets", action="store_true", help="with outputs and export: show secrets")
    parser.add_argument("--expect-no-changes", action="store_true", help="fail if there is anything to change")
    parser.add_argument("--target", action="append", default=[], metavar="URN", help="only this resource; repeatable")
    parser.add_argument("--target-dependents", action="store_true", help="and what depends on the targets")
    parser.add_argument("--refresh", action="store_true", help="read the cloud first")
    parser.add_argument("--diff", action="store_true", help="show the properties of each change with their values")
    return parser.parse_args()


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What of the command line the operation takes; what it does not take must not have been given."""
    given: dict[str, Any] = {
        "target": arguments.target,
        "target_dependents": arguments.target_dependents,
        "refresh": arguments.refresh,
        "expect_no_changes": arguments.expect_no_changes,
    }
    for name, operation in (("target_dependents", "refresh"), ("refresh", "refresh"), ("expect_no_changes", "destroy")):
        if arguments.operation == operation and given.pop(name):
            raise DeploymentError(f"{operation} does not take --{name.replace('_', '-')}")
    return given


def _run(arguments: argparse.Namespace) -> int:
    configuration = {}
    for item in arguments.config:
        key, sign, value = item.partition("=")
        if not sign:
            raise DeploymentError(f"--config {item}: write KEY=VALUE")
        configuration[key] = value
    deployment = Deployment(
        arguments.cwd,
        arguments.stack,
        environment=os.environ,
        python=arguments.python,
        configuration=configuration,
        parallel=arguments.parallel,
    )
    if arguments.operation == "outputs":
        print(json.dumps(deployment.outputs(show_secrets=arguments.show_secrets), indent=2))
        return 0
    if arguments.operation == "export":
        print(json.dumps(deployment.export_stack(show_secrets=arguments.show_secrets), indent=4))
        return 0
    if arguments.operation == "unlock":
        print(f"{deployment.unlock()} lock(s) taken away")
        return 0
    listener = None
    if not arguments.json:
        from penstock_deploy.display import Display

        listener = Display(arguments.operation, diff=arguments.diff)
    result = getattr(deployment, arguments.operation)(listener, **_options(arguments))
    if arguments.json:
        print(json.dumps(result.to_json(), indent=2))
        for error in result.errors:
            print(f"error: {error}", file=sys.stderr)
    return 0 if result.ok else 1


def main() -> int:
    """Run one operation; 0 when it went well, 1 when the deployment failed, 2 when it could not begin."""
    try:
        return _run(_arguments())
    except DeploymentError as error:
        print(f"error: {error}", file=sys.stderr)
        return _WRONG_USE


if __name__ == "__main__":
    sys.exit(main())
