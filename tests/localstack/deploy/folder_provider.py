"""A provider whose cloud is a folder: every item is a file. Enough to watch the engine from several processes."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

from penstock_deploy import paths
from penstock_deploy.plugins.interface import (
    ADD,
    ADD_REPLACE,
    DELETE,
    DELETE_REPLACE,
    UPDATE,
    UPDATE_REPLACE,
    Diff,
    InitializationError,
    ProviderError,
    Reading,
    Subject,
)
from penstock_deploy.values import UNKNOWN, Properties, Secret, has_secret, plain

KNOWN = {"name", "text", "fixed", "fail", "seconds", "until", "hidden", "tags", "of", "items"}
IMMUTABLE = {"name", "fixed"}
COMPUTED = {"path", "serial"}
_KINDS = {
    "add": (ADD, ADD_REPLACE),
    "delete": (DELETE, DELETE_REPLACE),
    "update": (UPDATE, UPDATE_REPLACE),
}
WAIT_SECONDS = 60


def log_of(root: Path) -> list[str]:
    """What was done to a cloud, in order."""
    path = root / ".log"
    return path.read_text().splitlines() if path.exists() else []


class FolderProvider:
    """`fail` names the verb that fails (create, update, delete, init).

    `seconds` is how long create and delete take at least, and `until` the lines of the log that they wait for.
    """

    def __init__(self, root: Path, configuration: Properties | None = None) -> None:
        self.root = root
        self.configuration = plain(configuration or {})
        root.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()

    def _log(self, verb: str, name: str) -> None:
        with self._lock, (self.root / ".log").open("a") as log:
            log.write(f"{verb} {name}\n")

    def _take_time(self, properties: Properties) -> None:
        time.sleep(properties.get("seconds", 0))
        limit = time.monotonic() + WAIT_SECONDS
        while not set(properties.get("until", [])) <= set(log_of(self.root)):
            if time.monotonic() > limit:
                raise ProviderError(f"{properties['until']} was not logged")
            time.sleep(0.01)

    def _limit(self, verb: str, subject: Subject) -> None:
        if subject.timeout:
            self._log(f"{verb}-within", f"{subject.timeout:g}")

    def _file(self, id_: str) -> Path:
        return self.root / f"{id_}.json"

    def _write(self, id_: str, properties: Properties) -> None:
        """Whole or not at all, as a cloud's call: whoever is killed here leaves no half of a file."""
        half = self.root / f".{id_}.half"
        half.write_text(json.dumps(properties))
        half.replace(self._file(id_))

    def _outputs(self, id_: str, inputs: Properties) -> Properties:
        return {**inputs, "path": str(self._file(id_)), "serial": 1}

    def check(self, subject: Subject, olds: Properties, news: Properties, seed: bytes) -> Properties:
        unknown = set(news) - KNOWN - {"__defaults"}
        if unknown:
            raise ProviderError(f"{sorted(unknown)[0]} is not a property of {subject.type}")
        inputs = dict(news)
        if "name" not in inputs:
            named = subject.naming.proposed if subject.naming is not None else f"{subject.name}-{seed.hex()[:7]}"
            inputs["name"] = plain(olds).get("name") or named
            inputs["__defaults"] = ["name"]
        return inputs

    def diff(
        self,
        subject: Subject,
        id_: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
        ignore_changes: list[str],
    ) -> Diff:
        old, new = plain(old_inputs), plain(news)
        result = Diff()
        for keys, what in paths.differences(old, new):
            path = paths.write(keys)
            if path.startswith("__"):
                continue
            if any(paths.covers(pattern, path) for pattern in ignore_changes):
                continue
            forced = keys[0] in IMMUTABLE
            result.changes = True
            result.detailed[path] = _KINDS[what][forced]
            if forced:
                result.replaces.append(str(keys[0]))
        result.delete_before_replace = bool(result.replaces) and "__defaults" not in new
        return result

    def create(self, subject: Subject, inputs: Properties, *, preview: bool) -> tuple[str, Properties]:
        if preview:
            return "", {**inputs, "path": UNKNOWN, "serial": UNKNOWN}
        self._limit("create", subject)
        bare = plain(inputs)
        id_ = bare["name"]
        if bare.get("fail") == "create":
            self._take_time(bare)
            raise ProviderError(f"CreateItem: Denied: {id_} may not be created")
        if self._file(id_).exists():
            raise ProviderError(f"CreateItem: AlreadyExists: {id_}")
        self._log("create", id_)
        self._write(id_, bare)
        self._take_time(bare)
        self._log("created", id_)
        if bare.get("fail") == "init":
            raise InitializationError(f"{id_} did not settle", id_, self._outputs(id_, inputs))
        return id_, self._outputs(id_, inputs)

    def read(self, subject: Subject, id_: str, inputs: Properties, outputs: Properties) -> Reading | None:
        if not self._file(id_).exists():
            return None
        live: dict[str, Any] = json.loads(self._file(id_).read_text())
        wrapped = {key: Secret(value) if has_secret(inputs.get(key)) else value for key, value in live.items()}
        return Reading(id_, wrapped, self._outputs(id_, wrapped))

    def find(self, subject: Subject, inputs: Properties) -> Reading | None:
        return self.read(subject, plain(inputs)["name"], inputs, {})

    def update(
        self,
        subject: Subject,
        id_: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
        ignore_changes: list[str],
        *,
        preview: bool,
    ) -> Properties:
        if not preview:
            self._limit("update", subject)
            if plain(news).get("fail") == "update":
                raise ProviderError(f"UpdateItem: Denied: {id_}")
            self._log("update", id_)
            self._write(id_, plain(news))
        return self._outputs(id_, news)

    def delete(self, subject: Subject, id_: str, inputs: Properties, outputs: Properties) -> None:
        self._limit("delete", subject)
        bare = plain(inputs)
        if bare.get("fail") == "delete":
            raise ProviderError(f"DeleteItem: Denied: {id_}")
        self._log("delete", id_)
        self._take_time(bare)
        self._file(id_).unlink(missing_ok=True)
        self._log("deleted", id_)

    def invoke(self, token: str, arguments: Properties, *, preview: bool) -> Properties:
        if token == "folder:index:count":
            return {"count": len(list(self.root.glob("*.json")))}
        raise ProviderError(f"there is no function {token}")

    def cancel(self) -> None:
        self._log("told", "to cancel")

    def close(self) -> None:
        return None
