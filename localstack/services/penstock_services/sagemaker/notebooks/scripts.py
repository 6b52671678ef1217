"""Scripts of life-cycle configurations: run in the notebook's own sandbox before its server starts.

(Developer guide, "Customization of a SageMaker notebook instance using an LCC script": a script that runs for longer than
5 minutes, or fails, fails the start; API reference, CreateNotebookInstanceLifecycleConfig: where the log is.)
"""

from __future__ import annotations

import base64
import binascii
import re
import threading
from dataclasses import dataclass
from pathlib import Path

from penstock_services.execution.logs import LogStream
from penstock_services.execution.sandbox import Layout, Sandboxed, finished_within
from penstock_services.operations import Context
from penstock_services.sagemaker.servers.keeping import StartFailedError

_HOMES = re.compile(r"/home/(ec2-user|sagemaker-user)(?![\w.-])")


@dataclass(frozen=True)
class Script:
    """One script: its hook ("LifecycleConfigOnStart"), its text in base64, the ARN of its configuration, and the log
    stream that its output goes to."""

    hook: str
    content: str
    configuration: str
    group: str
    stream: str


def run(
    context: Context,
    script: Script,
    layout: Layout,
    folder: Path,
    variables: dict[str, str],
    stopping: threading.Event,
) -> None:
    """Run a script to its end. Raises StartFailedError where it fails, takes too long, or ``stopping`` is set.

    ``folder`` is that of the sandbox. The home that AWS's notebooks have stands for the one that this one has.
    """
    text = _HOMES.sub(lambda _found: str(folder / "home"), layout.text(_text(script)))
    path = layout.host / "scripts" / script.hook
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o700)
    inside = f"{layout.inside}/scripts/{script.hook}"
    command = [inside] if text.startswith("#!") else ["/bin/bash", inside]
    log = LogStream(context, script.group, script.stream, folder / "logs" / f"{script.hook}.log")
    process = Sandboxed(layout.mode, layout.host, folder, command, variables, str(folder / "home"))
    limit = context.settings.script_seconds
    outcome = finished_within(process.start(log.write), limit, stopping.is_set)
    process.kill()
    log.close()
    where = f"its log is in CloudWatch Logs, group {script.group}, stream {script.stream}"
    if outcome is None:
        minutes = f"{limit / 60:g} minutes"
        message = f"Lifecycle Config '{script.configuration}' took longer than {minutes} ({script.hook}); {where}"
        raise StartFailedError(message)
    if not outcome.ok:
        message = f"Lifecycle Config '{script.configuration}' failed ({script.hook}): {outcome.reason()}; {where}"
        raise StartFailedError(message)


def _text(script: Script) -> str:
    try:
        return base64.b64decode(script.content).decode(errors="replace")
    except binascii.Error:
        message = f"Lifecycle Config '{script.configuration}': the {script.hook} script is not encoded in base64"
        raise StartFailedError(message) from None
