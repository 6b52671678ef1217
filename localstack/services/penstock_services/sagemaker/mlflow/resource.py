"""What tracking servers and apps have in common: a record, and the server that runs for it."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.execution.environment import cloud_variables
from penstock_services.operations import Context, ContextFactory, contexts_with
from penstock_services.sagemaker import engine
from penstock_services.sagemaker.mlflow.program import Mlflow
from penstock_services.sagemaker.servers import keeping

MAJOR_VERSION = 3
"""Of the MLflow that is run; a server of another major version is refused."""

_BUSY = ("Creating", "Updating", "Starting", "Stopping", "Deleting")
_RUNNING = ("Creating", "Created", "Starting", "Started", "Updating", "Updated")


@dataclass(frozen=True)
class Served:
    """One of the two kinds: its name, and the members that hold its ARN, status and address."""

    kind: str
    arn_member: str
    status_member: str
    url_member: str | None

    def launch(self, context: Context, key: str, record: dict[str, Any], then: str) -> None:
        """Start the server in the background; when it answers, the status is ``then`` ("Created")."""
        arn = record[self.arn_member]

        def up(port: int, version: str) -> None:
            change = {"_Port": port, "MlflowVersion": record.get("MlflowVersion", version)}
            if self.url_member:
                change |= {self.url_member: f"http://127.0.0.1:{port}", "IsActive": "Active"}
            self.change(context, key, **change, **self._next_status(context, key, then))

        def failed(reason: str) -> None:
            del reason  # it is in the log: the API has no member for it
            status = {"Created": "CreateFailed", "Started": "StartFailed", "Updated": "UpdateFailed"}[then]
            active = {"IsActive": "Inactive"} if self.url_member else {}
            self.change(context, key, **{self.status_member: status}, **active)

        program = Mlflow(self.folder(context, arn), record["ArtifactStoreUri"], cloud_variables(context))
        keeping.start(arn, keeping.Server(program, record.get("_Port", 0), up, failed))

    def _next_status(self, context: Context, key: str, then: str) -> dict[str, str]:
        record = context.store.get(context.scope, self.kind, key)
        return {self.status_member: then} if record and record[self.status_member] in _BUSY[:3] else {}

    def change(self, context: Context, key: str, **members: Any) -> None:
        """Change members of the record, if it is still there and not being deleted."""

        def apply(record: dict[str, Any]) -> None:
            if record[self.status_member] != "Deleting":
                record.update(members)

        context.store.update(context.scope, self.kind, key, apply)

    def moved(self, record: dict[str, Any]) -> bool:
        """Whether the server runs with another place of artifacts than the record has: it needs a new start."""
        server = keeping.of(record[self.arn_member])
        program = server.program if server is not None else None
        return isinstance(program, Mlflow) and program.artifacts != record["ArtifactStoreUri"]

    def folder(self, context: Context, arn: str) -> Path:
        """Where a server's database lies."""
        return context.settings.state_dir / "mlflow" / re.sub(r"[^A-Za-z0-9-]+", "_", arn)

    def remove(self, context: Context, record: dict[str, Any]) -> None:
        """End the server and delete its data, in the background: who calls waits for nothing."""
        arn = record[self.arn_member]
        options = {"remove": self.folder(context, arn)}
        threading.Thread(target=keeping.stop, args=[arn], kwargs=options, name="mlflow-remove", daemon=True).start()

    def refuse_busy(self, record: dict[str, Any]) -> None:
        """Raise ConflictException while a change is under way."""
        if record[self.status_member] in _BUSY:
            message = f"{record[self.arn_member]} is in status {record[self.status_member]}; wait until it has settled."
            raise ServiceError("ConflictException", message)

    def url(self, record: dict[str, Any]) -> str:
        """The address of a server that answers; raises ServiceError where none does."""
        server = keeping.of(record[self.arn_member])
        if server is None or not server.ready.is_set():
            message = f"{record[self.arn_member]} is not active (status {record[self.status_member]})."
            raise ServiceError("ValidationException", message)
        return server.url

    def resume(self, factory: ContextFactory) -> None:
        """Start the servers that ran when the last process ended."""
        for context in contexts_with(factory, self.kind):
            for key, record in context.store.scan(context.scope, self.kind):
                status = record.get(self.status_member)
                if status == "Stopping":
                    self.change(context, key, **{self.status_member: "Stopped"})
                elif status in _RUNNING and record.get("IsActive") != "Inactive":
                    then = {"Starting": "Started", "Updating": "Updated"}.get(status, "Created")
                    self.launch(context, key, record, then)


def refuse_version(record: dict[str, Any]) -> None:
    """Refuse a version that is not run: those of another major version speak another API."""
    version = record.get("MlflowVersion")
    if version is not None and version.partition(".")[0] != str(MAJOR_VERSION):
        message = (
            f"MlflowVersion {version} is not available: Penstock's local SageMaker runs MLflow {MAJOR_VERSION}. "
            "Leave the member out, or ask for a version that begins with it."
        )
        raise ServiceError("ValidationException", message)


def find(context: Context, served: Served, name_or_arn: str) -> tuple[str, dict[str, Any]]:
    """Key and record of one of them; raises its own error where there is none."""
    return engine.find(context, served.kind, name_or_arn)
