"""One deployment from its lock to its last checkpoint."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from penstock_deploy import project as projects
from penstock_deploy import values
from penstock_deploy.engine import autonaming
from penstock_deploy.engine import refresh as refreshing
from penstock_deploy.engine.events import Events
from penstock_deploy.engine.providers import Providers
from penstock_deploy.engine.recovery import resolve_pending
from penstock_deploy.engine.steps import Steps
from penstock_deploy.engine.stopping import POLL_SECONDS, Stopping
from penstock_deploy.engine.targets import Targets
from penstock_deploy.errors import CancelledError, DeploymentError
from penstock_deploy.plugins.load import Plugins
from penstock_deploy.program.process import Program
from penstock_deploy.project import Configuration, Project
from penstock_deploy.state.backend import StackFiles, StateKeeper
from penstock_deploy.state.secrets import PassphraseSecrets


class Run:
    """Carries out one operation on one stack."""

    def __init__(
        self, *, project: Project, stack: str, files: StackFiles, overrides: Mapping[str, str],
        parallel: int, events: Events, plugins: Plugins, targets: Targets, refresh: bool = False,
    ) -> None:  # fmt: skip
        self._project = project
        self._stack = stack
        self._files = files
        self._overrides = overrides
        self._parallel = parallel
        self._events = events
        self._stopping = Stopping(parallel)
        self._plugins = plugins
        self._targets = targets
        self._refresh = refresh
        self._providers: Providers | None = None
        self._program: Program | None = None

    @property
    def cancelled(self) -> bool:
        return self._stopping.cancelled.is_set()

    def cancel(self) -> None:
        """Stop: once, let steps that have begun end; twice, do not wait for them."""
        if self._stopping.cancelled.is_set():
            self._stopping.abandoned.set()
            return
        self._stopping.cancelled.set()
        if self._providers is not None:
            threading.Thread(target=self._providers.cancel, daemon=True).start()

    def carry_out(self, operation: str, program: Program | None) -> tuple[bool, dict[str, Any]]:
        """Do it; whether all went well, and the stack's outputs as they may be shown."""
        self._plugins.warm()
        preview = operation == "preview"
        if not preview:
            self._files.lock.acquire()
        try:
            return self._locked(operation, program, preview=preview)
        finally:
            self._files.lock.release()

    def _locked(self, operation: str, program: Program | None, *, preview: bool) -> tuple[bool, dict[str, Any]]:
        configuration = self._configuration()
        keeper = StateKeeper(self._files, configuration.encryption_salt, dry=preview)
        self._events.conceal({key: values.Secret(configuration.values[key]) for key in configuration.secret_keys})
        keeper.open()
        recovery = self._make_providers(keeper, configuration)
        outputs: values.Properties = {}
        try:
            self._attempt(lambda: resolve_pending(keeper, recovery.get, self._events))
            if self._refresh and operation != "refresh":
                self._refresh_first(keeper, recovery)
            providers = self._providers = self._make_providers(keeper, configuration)
            named = autonaming.parse(configuration.values, self._project.name, self._stack)
            steps = Steps(
                keeper, providers, self._events, self._stopping, self._targets, preview=preview, autonaming=named
            )
            if not self._stopping.stopped:
                if program is not None:
                    outputs = self._run_program(program, configuration, keeper, steps, preview=preview)
                elif operation == "destroy":
                    self._attempt(lambda: self._destroy(keeper, steps))
                else:
                    self._attempt(lambda: self._read_back(keeper, providers))
            if self.cancelled:
                self._events.diagnostic("error", str(CancelledError()))
        finally:
            self._stopping.wait_idle()
            self._attempt(keeper.close)
            recovery.close()
            if self._providers is not None:
                self._providers.close()
        return not self._stopping.stopped and not self._events.errors, _shown(outputs)

    def _read_back(self, keeper: StateKeeper, providers: Providers) -> None:
        refreshing.refresh(keeper, providers, self._events, self._stopping, self._targets, self._parallel)

    def _refresh_first(self, keeper: StateKeeper, providers: Providers) -> None:
        """Refresh ahead of the operation itself: what has drifted is told apart from what the operation does."""
        self._events.refreshing = True
        try:
            self._attempt(lambda: self._read_back(keeper, providers))
        finally:
            self._events.refreshing = False
        self._attempt(keeper.save)

    def _destroy(self, keeper: StateKeeper, steps: Steps) -> None:
        victims = keeper.snapshot.remaining()
        self._targets.among(victims)
        self._targets.refuse_unmatched()
        steps.deletions.delete_all(victims, self._parallel)

    def _attempt(self, call: Any) -> None:
        """Run a part of the deployment; its failure is told and stops the rest."""
        try:
            call()
        except CancelledError:
            if not self._stopping.stopped:
                self._stopping.cancelled.set()
        except DeploymentError as error:
            self._stopping.failed.set()
            self._events.diagnostic("error", str(error), getattr(error, "urn", ""))

    def _configuration(self) -> Configuration:
        def decrypt(salt: str, text: str) -> str:
            return PassphraseSecrets(self._files.backend.passphrase, salt).decrypt(text)

        return projects.configuration(self._project, self._stack, decrypt, self._overrides)

    def _make_providers(self, keeper: StateKeeper, configuration: Configuration) -> Providers:
        return Providers(
            self._plugins.load, keeper, self._project.name, self._stack, configuration.values, configuration.secret_keys
        )

    def _run_program(
        self, program: Program, configuration: Configuration, keeper: StateKeeper, steps: Steps, *, preview: bool
    ) -> values.Properties:
        from penstock_deploy.engine.monitor import Monitor, serve
        from penstock_deploy.engine.registrar import Registrar

        assert self._providers is not None
        registrar = Registrar(
            project=self._project.name,
            stack=self._stack,
            folder=self._project.folder,
            backend=self._files.backend,
            keeper=keeper,
            providers=self._providers,
            steps=steps,
            events=self._events,
            stopping=self._stopping,
            targets=self._targets,
            preview=preview,
        )
        monitor = Monitor(
            registrar, self._events, self._stopping, project=self._project.name, stack=self._stack,
            configuration=configuration, preview=preview, parallel=self._parallel,
        )  # fmt: skip
        server, address = serve(monitor)
        try:
            program.begin(self._order(address, configuration, preview=preview))
            self._await_program(program, monitor)
            if monitor.complete.is_set() and not self._stopping.stopped:
                victims = [
                    state
                    for state in steps.deletions.victims(registrar.registered)
                    if not (state.is_provider and state.urn in self._providers.seen)
                ]
                self._attempt(lambda: steps.deletions.delete_all(victims, self._parallel))
                if not self._stopping.stopped:
                    self._attempt(self._targets.refuse_unmatched)
        finally:
            monitor.released.set()
            self._end_program(program)
            self._stopping.wait_idle()
            registrar.transforms.close()
            server.stop(0.1)
        return registrar.outputs

    def _order(self, address: str, configuration: Configuration, *, preview: bool) -> dict[str, Any]:
        return {
            "settings": {
                "monitor": address,
                "engine": address,
                "project": self._project.name,
                "stack": self._stack,
                "parallel": self._parallel,
                "dry_run": preview,
                "organization": "organization",
                "root_directory": str(self._project.directory),
            },
            "program": str(self._project.program.resolve()),
            "configuration": configuration.values,
            "secret_keys": configuration.secret_keys,
        }

    def _await_program(self, program: Program, monitor: Any) -> None:
        """Wait until the program has registered everything, has ended, or the deployment is cancelled."""
        while not monitor.signalled.wait(POLL_SECONDS):
            if program.poll() is not None:
                status = program.wait()
                if not monitor.signalled.is_set() and not self._stopping.stopped:
                    self._stopping.failed.set()
                    self._events.diagnostic(
                        "error", f"the program ended with status {status} before it was done\n{program.tail()}".rstrip()
                    )
                return
            if self.cancelled:
                self._stopping.wait_idle()
                return

    def _end_program(self, program: Program) -> None:
        if self._stopping.stopped:
            program.stop(at_once=self._stopping.abandoned.is_set()) if self.cancelled else self._wait_or_stop(program)
            return
        self._wait_or_stop(program)

    def _wait_or_stop(self, program: Program) -> None:
        import subprocess

        try:
            status = program.wait(30)
        except subprocess.TimeoutExpired:
            program.stop()
            return
        if status != 0 and not self._stopping.stopped:
            self._stopping.failed.set()
            self._events.diagnostic("error", f"the program ended with status {status}\n{program.tail()}".rstrip())


def _shown(outputs: values.Properties) -> dict[str, Any]:
    hidden = values.hide(outputs)
    return {name: "[unknown]" if values.has_unknown(value) else value for name, value in hidden.items()}
