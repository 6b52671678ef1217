"""What notebook instances and apps have in common: their steps, where their files are, and the URLs that open them."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from penstock_services.operations import Context, ContextFactory, contexts_with
from penstock_services.sagemaker.kinds import kinds
from penstock_services.sagemaker.notebooks.jupyterlab import JupyterLab
from penstock_services.sagemaker.notebooks.program.presigned import sign
from penstock_services.sagemaker.servers import keeping

Record = dict[str, Any]
Step = Callable[[Context, Record], None]
SESSION_SECONDS = 43_200
VALID_SECONDS = 300


@dataclass(frozen=True)
class Served:
    """One of the two kinds: its name, and the members that hold its ARN and status."""

    kind: str
    arn_member: str
    status_member: str

    def key(self, record: Record) -> str:
        """The store's key of a record, or of a request that names one."""
        return kinds().by_name[self.kind].tail(record)

    def change(self, context: Context, known: Record, before: str, after: str, **members: Any) -> None:
        """Take the step from one status to another, if it is still the same resource and has one of the two."""

        def apply(record: Record) -> None:
            if record["_order"] == known["_order"] and record[self.status_member] in (before, after):
                record.update({**members, self.status_member: after})

        context.store.update(context.scope, self.kind, self.key(known), apply)

    def start(
        self, context: Context, record: Record, program: JupyterLab, shown: Callable[[int], Record] = lambda _port: {}
    ) -> None:
        """Start the server in the background; ``shown(port)`` are members that the record has once it is up."""

        def up(port: int, _version: str) -> None:
            self.change(context, record, "Pending", "InService", _Port=port, **shown(port))

        def failed(reason: str) -> None:
            self.change(context, record, "Pending", "Failed", FailureReason=reason)

        keeping.start(record[self.arn_member], keeping.Server(program, record.get("_Port", 0), up, failed))

    def resume(self, factory: ContextFactory, ending: str, ended: Step, launch: Step) -> None:
        """``launch`` what ran when the last process ended; what had the status ``ending`` has ``ended`` with it."""
        for context in contexts_with(factory, self.kind):
            for _, record in context.store.scan(context.scope, self.kind):
                status = record[self.status_member]
                if status == ending:
                    ended(context, record)
                elif status in ("Pending", "InService"):
                    self.change(context, record, status, "Pending")
                    launch(context, record)


def new_secret() -> str:
    """What the tokens of one server's URLs are signed with."""
    return secrets.token_urlsafe(32)


def folder(context: Context, name: str, record: Record) -> Path:
    """Where the files of a resource lie: a later one of the same name does not find them."""
    scope = context.scope
    return context.settings.state_dir / "notebooks" / scope.account / scope.region / f"{name}-{record['_order']}"


def remove(arn: str, path: Path) -> None:
    """End the server of a resource, if it still has one, and delete its files, in the background."""
    options = {"remove": path}
    threading.Thread(target=keeping.stop, args=[arn], kwargs=options, name="notebook-remove", daemon=True).start()


def authorized_url(record: Record, arn: str, request: Record, path: str = "") -> str | None:
    """The URL that opens a resource's server in a browser; None where it has none that answers."""
    server = keeping.of(arn)
    if server is None or not server.ready.is_set():
        return None
    valid = request.get("ExpiresInSeconds", VALID_SECONDS)
    session = request.get("SessionExpirationDurationInSeconds", SESSION_SECONDS)
    query = urlencode({"authToken": sign(record["_Secret"], valid, session)})
    return f"{server.url}/{path}?{query}"
