"""`penstock status`."""

from __future__ import annotations

from typing import Any

import typer

from penstock_ci.output import JsonOption, Output
from penstock_ci.repository import ModelArgument
from penstock_ci.target import StackOption

app = typer.Typer()


@app.command()
def status(model: ModelArgument = None, stack: StackOption = None, as_json: JsonOption = False) -> None:
    """One page: cloud, stacks, the latest execution, versions with their approval, and the live one.

    \b
    Examples:
      penstock status
      penstock status flight-delays --json

    Outside a model repository, and without a name, all models are shown.
    """
    from penstock_ci import overview, registry
    from penstock_ci.repository import find_if_any
    from penstock_ci.target import resolve

    output = Output(json=as_json)
    target = resolve(stack)
    repository = find_if_any()
    models = [model] if model else [repository.name] if repository else registry.models(target)
    stacks = overview.stacks(target, repository)
    where = target.cloud.endpoint if target.cloud else f"AWS account {target.account()}, {target.region}"
    output.line(f"stack {target.stack} on {where}")
    output.table(
        ["project", "resources", "state"], [[entry["project"], entry["resources"], entry["state"]] for entry in stacks]
    )
    shown: list[dict[str, Any]] = []
    known = set(registry.models(target))
    for name in models:
        if name not in known and model is None:
            output.line(f"\n{name}: nothing registered and no infrastructure yet (penstock up infra)")
            continue
        found = overview.of_model(target, name)
        shown.append(found)
        _show(output, found)
    if not models:
        output.line("no models yet: penstock new")
    output.result({"stack": target.stack, "where": where, "stacks": stacks, "models": shown})


def _show(output: Output, found: dict[str, Any]) -> None:
    output.line(f"\n{found['model']}")
    execution = found["execution"]
    output.line(
        f"  latest execution: {execution['id']} {execution['status']}, started {execution['started']}"
        if execution
        else "  no executions yet (penstock train)"
    )
    endpoint = found["endpoint"]
    live = f"version {endpoint['version']}" if endpoint["version"] else "no version"
    compared = f", version {endpoint['challenger']} compared with it" if endpoint.get("challenger") else ""
    output.line(f"  endpoint: {endpoint['status']}, {live} live{compared}")
    if found["versions"]:
        output.table(
            ["version", "approval", "registered", "live", "metrics"],
            [
                [
                    entry["version"],
                    entry["approval"],
                    (entry["created"] or "")[:19],
                    "live" if entry["live"] else "",
                    ", ".join(f"{name} {value:.4f}" for name, value in sorted(entry["metrics"].items())[:4]),
                ]
                for entry in found["versions"]
            ],
        )
