"""Preview, up, refresh, destroy and outputs of a project's stack: by the local engine, or by the Pulumi CLI on AWS."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

from penstock_ci import guard
from penstock_ci.errors import Failure, UserError
from penstock_ci.flags import NO_FLAGS, Flags
from penstock_ci.plans import PLANNED

if TYPE_CHECKING:
    from penstock_ci.projects import Project
    from penstock_ci.target import Target

Action = Literal["preview", "up", "refresh", "destroy"]
Engine = Literal["penstock", "pulumi"]
OnEvent = Callable[[dict[str, Any]], None]


PATIENCE_SECONDS = 600.0
"""How long a deployment waits for another one of the same stack to end."""


class StackLocked(Failure):
    """Another deployment of the stack is under way."""


class Stack(Protocol):
    """One project on one stack; the same on both clouds. Documents are those of `penstock up --json`."""

    def run(self, action: Action, on_event: OnEvent) -> dict[str, Any]:
        """Do it, and return `ok`, `counts`, `changes`, `outputs`, `duration_seconds`, `diagnostics`.

        A preview also hands over every resource that the program asks for, as an event of the kind `planned` (see `plans`).
        """
        ...

    def outputs(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """The stack's outputs; empty when it has never been up."""
        ...

    def resources(self) -> list[dict[str, Any]]:
        """The resources in the stack's state."""
        ...


def open_stack(
    project: Project,
    target: Target,
    engine: Engine | None = None,
    configuration: Mapping[str, str] = {},
    flags: Flags = NO_FLAGS,
) -> Stack:
    """The project's stack on the target, driven by the engine that fits (or the one asked for).

    Raises:
        UserError: the engine does not fit the target, the Pulumi CLI is missing, or the account is not the stack's.
    """
    chosen = engine or ("penstock" if target.is_local else "pulumi")
    if chosen == "penstock":
        if not target.is_local:
            raise UserError(
                "the engine 'penstock' works on the local cloud only", "leave out --engine, or use --stack local"
            )
        return LocalStack(project, target, configuration, flags)
    guard.account(target, project, configuration)
    if shutil.which("pulumi", path=target.environment.get("PATH")) is None:
        where, instead = "on AWS, stacks are deployed by Pulumi's own CLI", ""
        if target.is_local:
            where = "--engine pulumi runs Pulumi's own CLI"
            instead = "; or leave out --engine: the local engine runs the same program and writes the same state"
        raise UserError(
            f"the pulumi command is not installed: {where}",
            f"install it (https://www.pulumi.com/docs/install/), then run this again{instead}",
        )
    return (LocalPulumiStack if target.is_local else PulumiStack)(project, target, configuration, flags)


def up_when_free(
    stack: Stack, on_event: OnEvent, on_progress: Callable[[str], None], patience: float = PATIENCE_SECONDS
) -> dict[str, Any]:
    """Bring a stack up; when another deployment of it runs, after that one. For what workflows start at the same time.

    Raises:
        StackLocked: the other one did not end in `patience` seconds.
    """
    limit = time.monotonic() + patience
    waiting = False
    while True:
        try:
            return stack.run("up", on_event)
        except StackLocked as error:
            if time.monotonic() > limit:
                raise
            if not waiting:
                on_progress(f"{error.message}: waiting for it")
            waiting = True
            time.sleep(2.0)


class LocalStack:
    """A stack on the local cloud, deployed by penstock_deploy."""

    def __init__(
        self, project: Project, target: Target, configuration: Mapping[str, str], flags: Flags = NO_FLAGS
    ) -> None:
        from penstock_deploy import Deployment

        self._flags = flags
        self._deployment = Deployment(
            project.folder, target.stack, environment=target.environment, configuration=dict(configuration)
        )

    def run(self, action: Action, on_event: OnEvent) -> dict[str, Any]:
        """See Stack."""
        flags = self._flags
        limits: dict[str, Any] = {
            "target": flags.target,
            "target_dependents": flags.target_dependents,
            "refresh": flags.refresh,
        }
        expected: dict[str, Any] = {"expect_no_changes": flags.expect_no_changes}
        run: Any = {
            "preview": partial(self._deployment.preview, **limits, **expected),
            "up": partial(self._deployment.up, **limits, **expected, previewed=flags.previewed),
            "refresh": partial(self._deployment.refresh, target=flags.target, **expected),
            "destroy": partial(self._deployment.destroy, **limits),
        }[action]
        from penstock_deploy import DeploymentError

        try:
            done = run(on_event=on_event)
        except DeploymentError as error:
            if " is locked by " in error.message:
                raise StackLocked(error.message, error.fix) from error
            raise
        for resource in done.resources:
            on_event({"kind": PLANNED, **resource})
        return dict(done.to_json())

    def outputs(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """See Stack."""
        return dict(self._deployment.outputs(show_secrets=show_secrets)) if self._deployment.exists() else {}

    def resources(self) -> list[dict[str, Any]]:
        """See Stack."""
        return list(self._deployment.resources()) if self._deployment.exists() else []


class PulumiStack:
    """A stack on AWS, deployed by the Pulumi CLI through Pulumi's Automation API."""

    def __init__(
        self, project: Project, target: Target, configuration: Mapping[str, str], flags: Flags = NO_FLAGS
    ) -> None:
        from pulumi import automation

        self._flags = flags
        environment, provider = self._backend(target)
        options = automation.LocalWorkspaceOptions(env_vars=environment, secrets_provider=provider)
        try:
            self._stack = automation.create_or_select_stack(target.stack, work_dir=str(project.folder), opts=options)
            for key, value in configuration.items():
                self._stack.set_config(key, automation.ConfigValue(value))
        except automation.CommandError as error:
            raise Failure(
                f"pulumi could not open the stack '{target.stack}'", _pulumi_fix(error), detail=str(error)
            ) from error
        self._automation = automation

    @staticmethod
    def _backend(target: Target) -> tuple[dict[str, str], str | None]:
        """The environment of `pulumi`, which names where states are kept, and what encrypts their secrets."""
        from penstock_ci.bootstrap import backend_environment, secrets_provider

        environment = target.environment | backend_environment(target)
        return environment, secrets_provider(target, environment)

    def run(self, action: Action, on_event: OnEvent) -> dict[str, Any]:
        """See Stack."""
        started = time.monotonic()
        steps = _PulumiSteps(on_event)
        run: Any = getattr(self._stack, action)
        try:
            done = run(on_event=steps.receive, **self._limits(action))
        except self._automation.ConcurrentUpdateError as error:
            raise StackLocked(
                "another update of this stack is running", "wait for it; if it died: pulumi cancel", detail=str(error)
            ) from error
        except self._automation.CommandError as error:
            raise Failure(f"pulumi {action} failed", _pulumi_fix(error), detail=str(error)) from error
        if action == "preview":
            for resource in steps.planned.values():
                on_event({"kind": PLANNED, **resource})
        changes = done.change_summary if action == "preview" else (done.summary.resource_changes or {})
        counts = {str(getattr(kind, "value", kind)): count for kind, count in changes.items()}
        unexpected = self._flags.expect_no_changes and any(counts.get(kind) for kind in _CHANGES)
        return {
            "ok": not unexpected,
            "counts": counts,
            "changes": steps.changes,
            "outputs": {} if action == "destroy" else self.outputs(),
            "duration_seconds": round(time.monotonic() - started, 3),
            "diagnostics": steps.diagnostics,
            "errors": ["there are changes, and none were expected"] if unexpected else [],
        }

    def _limits(self, action: Action) -> dict[str, Any]:
        """The flags that the CLI takes for an action. That no changes are expected is judged here: it would end in a trace."""
        flags = self._flags
        found: dict[str, Any] = {"target": list(flags.target)} if flags.target else {}
        if flags.target_dependents:
            found["target_dependents"] = True
        if flags.refresh and action != "refresh":
            found["refresh"] = True
        return found

    def outputs(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """See Stack."""
        return {
            name: output.value if show_secrets or not output.secret else "[secret]"
            for name, output in self._stack.outputs().items()
        }

    def resources(self) -> list[dict[str, Any]]:
        """See Stack."""
        return list(self._stack.export_stack().deployment.get("resources", []))  # type: ignore[union-attr]


_OPERATIONS = {
    "same": "same",
    "create": "create",
    "import": "create",
    "update": "update",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "import-replacement": "replace",
    "delete": "delete",
}
"""What is planned for a resource, by the CLI's steps; the rest plans nothing."""

_SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key that marks a secret in the CLI's events."""


class LocalPulumiStack(PulumiStack):
    """A stack on the local cloud, deployed by the Pulumi CLI with the kit's provider: `--engine pulumi`.

    State is that of the local engine: either goes on where the other has stopped.
    """

    @staticmethod
    def _backend(target: Target) -> tuple[dict[str, str], str | None]:
        """See PulumiStack. The private PULUMI_HOME lies in the local cloud's state folder, and goes with it."""
        from penstock_ci.target import state_directory
        from penstock_deploy import pulumi_cli

        return pulumi_cli.environment(target.environment, state_directory() / "pulumi-home"), "passphrase"


_CHANGES = {"create", "update", "replace", "delete"}
"""Steps that a person counts; a replacement's own creation and deletion are part of `replace`."""


class _PulumiSteps:
    """Turns the Automation API's engine events into those of penstock_deploy."""

    def __init__(self, on_event: OnEvent) -> None:
        self.changes: list[dict[str, Any]] = []
        self.diagnostics: list[str] = []
        self.planned: dict[str, dict[str, Any]] = {}
        self._on_event = on_event

    def receive(self, event: Any) -> None:
        if event.resource_pre_event is not None:
            metadata = event.resource_pre_event.metadata
            operation = str(getattr(metadata.op, "value", metadata.op))
            if operation in _CHANGES:
                self.changes.append(
                    {
                        "op": operation,
                        "urn": metadata.urn,
                        "type": metadata.type,
                        "name": metadata.urn.rsplit("::", 1)[-1],
                        "diff": list(metadata.detailed_diff or metadata.diffs or []),
                    }
                )
            self._plan(metadata, operation)
            self._report(metadata, operation, "started")
        elif event.res_outputs_event is not None:
            metadata = event.res_outputs_event.metadata
            self._report(metadata, str(getattr(metadata.op, "value", metadata.op)), "done")
        elif event.res_op_failed_event is not None:
            metadata = event.res_op_failed_event.metadata
            self._report(metadata, str(getattr(metadata.op, "value", metadata.op)), "failed")
        elif event.diagnostic_event is not None and event.diagnostic_event.severity in {"error", "warning"}:
            self.diagnostics.append(event.diagnostic_event.message.strip())

    def _plan(self, metadata: Any, operation: str) -> None:
        """Remember the resource as it is to be, or as it was if it goes; all steps of a replacement say that it is one."""
        planned = _OPERATIONS.get(operation)
        goal = getattr(metadata, "new", None)
        state = goal or getattr(metadata, "old", None)
        if planned is None or state is None or not state.custom or metadata.type.startswith("pulumi:"):
            return
        if goal is None and metadata.urn in self.planned:
            return
        self.planned[metadata.urn] = {
            "op": planned,
            "urn": metadata.urn,
            "type": metadata.type,
            "name": metadata.urn.rsplit("::", 1)[-1],
            "protect": bool(state.protect),
            "inputs": _shown(dict(state.inputs or {})),
            "diff": list(metadata.detailed_diff or metadata.diffs or []),
        }

    def _report(self, metadata: Any, operation: str, status: str) -> None:
        self._on_event(
            {
                "kind": "resource",
                "op": operation,
                "urn": metadata.urn,
                "type": metadata.type,
                "name": metadata.urn.rsplit("::", 1)[-1],
                "diff": list(metadata.detailed_diff or metadata.diffs or []),
                "detailed_diff": _details(metadata),
                "status": status,
                "seconds": None,
            }
        )


def _details(metadata: Any) -> dict[str, dict[str, Any]]:
    """For each property that changes, its old and its new value: the CLI's events have them by whole properties."""
    states = {side: getattr(metadata, side, None) for side in ("old", "new")}
    inputs = {side: dict(state.inputs or {}) for side, state in states.items() if state is not None}
    names = dict.fromkeys(re.split(r"[.\[]", path)[0] for path in metadata.detailed_diff or metadata.diffs or [])
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        values = {side: _shown(properties[name]) for side, properties in inputs.items() if name in properties}
        found[name] = {"kind": "update" if len(values) != 1 else "add" if "new" in values else "delete", **values}
    return found


def _shown(value: Any) -> Any:
    """A value of the CLI's events as it may be shown: secrets replaced."""
    if isinstance(value, dict):
        return "[secret]" if _SIGNATURE in value else {key: _shown(entry) for key, entry in value.items()}
    return [_shown(entry) for entry in value] if isinstance(value, list) else value


def _pulumi_fix(error: Exception) -> str:
    text = str(error)
    if "no Pulumi.yaml" in text or "could not find" in text:
        return "name a folder with a Pulumi.yaml"
    if "NoSuchBucket" in text or "AccessDenied" in text or "no such bucket" in text.lower():
        return "make the state backend first: penstock bootstrap --stack NAME"
    return "see the message of pulumi above"
