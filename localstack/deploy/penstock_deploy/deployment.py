"""The public face: a stack of a project, and what can be done with it."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock_deploy import project as projects
from penstock_deploy import target as targets
from penstock_deploy.errors import CancelledError, DeploymentError
from penstock_deploy.result import Request, Result

if TYPE_CHECKING:
    from penstock_deploy.engine.events import Events
    from penstock_deploy.engine.providers import Loader
    from penstock_deploy.engine.run import Run
    from penstock_deploy.state.backend import Backend, StackFiles

Listener = Callable[[dict[str, Any]], None]


class Deployment:
    """One stack of the project in `project_dir`, on the local cloud that `environment` names.

    `environment` is what the program gets, and names backend (PULUMI_BACKEND_URL), passphrase
    (PULUMI_CONFIG_PASSPHRASE or ..._FILE) and cloud (AWS_*). `configuration` adds to the stack's own. `parallel` is how
    many steps run at once. `load_provider(package, version, configuration)` makes providers in place of the kit's own.
    A failing deployment is a Result that is not ok; wrong use is a DeploymentError.
    """

    def __init__(
        self,
        project_dir: Path,
        stack: str,
        *,
        environment: Mapping[str, str],
        python: Path | None = None,
        configuration: Mapping[str, str] | None = None,
        parallel: int = 8,
        load_provider: Loader | None = None,
    ) -> None:
        self.project = projects.load(Path(project_dir))
        self.stack = projects.check_stack_name(stack)
        self._environment = dict(environment)
        self._target = targets.from_environment(self._environment)
        self._python = projects.interpreter(self.project, python)
        self._overrides = dict(configuration or {})
        self._parallel = max(1, parallel)
        self._load_provider = load_provider
        self._backend: Backend | None = None
        self._running: Run | None = None

    # -- operations

    def preview(
        self,
        on_event: Listener | None = None,
        *,
        target: Sequence[str] = (),
        target_dependents: bool = False,
        refresh: bool = False,
        expect_no_changes: bool = False,
    ) -> Result:
        """What `up` would do, without doing it."""
        request = Request(tuple(target), target_dependents, refresh, expect_no_changes)
        return self._operate("preview", on_event, request)

    def up(
        self,
        on_event: Listener | None = None,
        *,
        target: Sequence[str] = (),
        target_dependents: bool = False,
        refresh: bool = False,
        expect_no_changes: bool = False,
        previewed: bool = False,
    ) -> Result:
        """Bring the stack to what its program wants.

        `target`: the URNs (`*` and `**` stand for parts of them) that alone get a step, and with `target_dependents` what
        depends on them. `refresh` reads the cloud first. With `expect_no_changes`, changes make the result an error; they
        are done all the same. `previewed`: the caller has just previewed it. Otherwise a stack with protected resources
        is previewed first, unseen, so that their deletion is refused before any step.
        """
        request = Request(tuple(target), target_dependents, refresh, expect_no_changes)
        if not previewed and self._files().may_be_protected():
            refused = self._rehearse(on_event, request)
            if refused is not None:
                return refused
        return self._operate("up", on_event, request)

    def destroy(
        self,
        on_event: Listener | None = None,
        *,
        target: Sequence[str] = (),
        target_dependents: bool = False,
        refresh: bool = False,
    ) -> Result:
        """Delete everything in the stack, or the targets. The stack itself and its history remain."""
        return self._operate("destroy", on_event, Request(tuple(target), target_dependents, refresh))

    def refresh(
        self, on_event: Listener | None = None, *, target: Sequence[str] = (), expect_no_changes: bool = False
    ) -> Result:
        """Bring the state to what the cloud has."""
        return self._operate("refresh", on_event, Request(tuple(target), expect_no_changes=expect_no_changes))

    def cancel(self) -> None:
        """Stop the deployment under way: once, let steps that have begun end; twice, do not wait for them either."""
        if self._running is not None:
            self._running.cancel()

    def unlock(self) -> int:
        """Take the stack's locks away, whoever holds them; how many there were."""
        return self._files().lock.clear()

    # -- reading the state

    def outputs(self, show_secrets: bool = False) -> dict[str, Any]:
        """The stack's outputs as its last deployment left them; secrets as "[secret]" unless asked for."""
        from penstock_deploy import values

        found = self._require().backend.stack_outputs(f"organization/{self.project.name}/{self.stack}")
        return dict(values.plain(found) if show_secrets else values.hide(found))

    def resources(self) -> list[dict[str, Any]]:
        """The stack's resources: urn, type, name, id, parent, protect, inputs and outputs (secrets hidden)."""
        from penstock_deploy import urns, values

        snapshot, _, _ = self._require().load()
        return [
            {
                "urn": state.urn,
                "type": state.type,
                "name": urns.name(state.urn),
                "id": state.id,
                "parent": state.parent,
                "custom": state.custom,
                "protect": state.protect,
                "dependencies": state.dependencies,
                "inputs": values.hide(state.inputs),
                "outputs": values.hide(state.outputs),
            }
            for state in snapshot.resources()
        ]

    def export_stack(self, show_secrets: bool = False) -> dict[str, Any]:
        """The stack's deployment as `pulumi stack export` writes it; secrets encrypted unless asked for."""
        from penstock_deploy import interchange

        return interchange.export(self._require(), show_secrets=show_secrets)

    def import_stack(self, deployment: Mapping[str, Any], force: bool = False) -> list[str]:
        """Make an exported deployment the stack's state; what the user should know of it. Unsound ones need `force`."""
        from penstock_deploy import interchange

        return interchange.admit(dict(deployment), self._files(), force=force)

    def exists(self) -> bool:
        """Whether the stack has a state."""
        return self._files().exists()

    def _require(self) -> StackFiles:
        files = self._files()
        if not files.exists():
            raise DeploymentError(f"the stack {self.stack} of {self.project.name} does not exist", "Bring it up first.")
        return files

    def _files(self) -> StackFiles:
        return self._open_backend().stack(self.project.name, self.stack)

    def _open_backend(self) -> Backend:
        if self._backend is None:
            from penstock_deploy.state.backend import Backend
            from penstock_deploy.state.secrets import passphrase_from

            self._backend = Backend(self._environment.get("PULUMI_BACKEND_URL", ""), passphrase_from(self._environment))
        return self._backend

    # -- carrying out

    def _operate(self, operation: str, listener: Listener | None, request: Request) -> Result:
        from penstock_deploy.engine.targets import Targets

        began = time.monotonic()
        started = time.time()
        chosen = Targets(request.targets, dependents=request.target_dependents)
        program = None
        if operation in ("preview", "up"):
            program = self._start_program()
        try:
            from penstock_deploy.engine.events import Events
            from penstock_deploy.engine.run import Run
            from penstock_deploy.planned import PlannedEvents
            from penstock_deploy.plugins.load import Plugins

            events = PlannedEvents(listener) if operation == "preview" else Events(listener)
            files = self._files()
            run = Run(
                project=self.project,
                stack=self.stack,
                files=files,
                overrides=self._overrides,
                parallel=self._parallel,
                events=events,
                plugins=Plugins(
                    self._target,
                    self._environment,
                    self._load_provider,
                    self.project.folder,
                    self._python,
                    self.project.name,
                ),
                targets=chosen,
                refresh=request.refresh,
            )
            if program is not None:
                program.listener = events.output
            ok, outputs = self._guarded(run, operation, program, events)
        finally:
            if program is not None:
                program.stop()
        if ok and request.expect_no_changes and events.has_changes:
            ok = False
            events.diagnostic("error", "there are changes, and none were expected")
        if operation != "preview":
            files.record_history("update" if operation == "up" else operation, ok, events.counts, started)
        result = Result(
            ok=ok,
            counts=dict(events.counts),
            changes=list(events.changes),
            outputs=outputs,
            duration_seconds=time.monotonic() - began,
            diagnostics=list(events.diagnostics),
            errors=list(events.errors),
            cancelled=run.cancelled,
            drift=list(events.drift),
            resources=events.resources() if isinstance(events, PlannedEvents) else [],
        )
        events.emit("summary", operation=operation, **result.to_json())
        return result

    def _rehearse(self, listener: Listener | None, request: Request) -> Result | None:
        """Preview an up unseen; its result, as that of an up that did nothing, when it fails."""
        heard: list[dict[str, Any]] = []
        planned = self._operate("preview", heard.append, replace(request, expect_no_changes=False))
        if planned.ok:
            return None
        refused = replace(planned, counts=dict.fromkeys(planned.counts, 0), changes=[], resources=[])
        for event in heard:
            if listener is None:
                break
            if event["kind"] == "summary":
                listener({**event, "operation": "up", **refused.to_json()})
            elif event["kind"] in ("diagnostic", "output"):
                listener(event)
        return refused

    def _start_program(self) -> Any:
        from penstock_deploy.program.process import Program

        return Program(self._python, self._environment)

    def _guarded(self, run: Run, operation: str, program: Any, events: Events) -> tuple[bool, dict[str, Any]]:
        self._running = run
        try:
            with _interruptible(run):
                return run.carry_out(operation, program)
        except CancelledError as error:
            events.diagnostic("error", str(error))
            return False, {}
        finally:
            self._running = None


@contextlib.contextmanager
def _interruptible(run: Run) -> Iterator[None]:
    """While a deployment runs, SIGINT and SIGTERM stop it gracefully, the second one at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: Any) -> None:  # noqa: ARG001
        run.cancel()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
