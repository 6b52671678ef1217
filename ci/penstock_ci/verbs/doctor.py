"""`penstock doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from penstock_ci.output import JsonOption, Output

app = typer.Typer()


@app.command()
def doctor(
    aws: Annotated[
        bool, typer.Option("--aws", help="Also what work on AWS needs (pulumi, docker, credentials).")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at this machine: what is there, what is missing, and the next command. Exit code 1 when work is blocked.

    \b
    Examples:
      penstock doctor
      penstock doctor --aws --json
    """
    from penstock_ci import diagnosis
    from penstock_ci.errors import leave

    output = Output(json=as_json)
    findings = diagnosis.examine(aws=aws)
    kinds = {"ok": "ok", "note": "warning", "missing": "failed"}
    for finding in findings:
        output.marked(kinds[finding.status], f"{finding.subject}: {finding.says}")
        if finding.fix:
            output.line(f"    {finding.fix}")
    blocked = [finding for finding in findings if finding.status == "missing"]
    step = diagnosis.next_step(blocked)
    output.line(f"next: {step}")
    output.result({"ok": not blocked, "findings": [finding.summary() for finding in findings], "next": step})
    if blocked:
        raise leave(1)
