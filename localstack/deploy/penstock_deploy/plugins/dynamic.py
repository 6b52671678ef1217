"""Pulumi's dynamic providers: resources whose creation, update and deletion are written in the program's own Python.

The library's own server (`python -m pulumi.dynamic`) runs them, in the program's interpreter and folder, as under Pulumi's
CLI. It takes no secrets and knows no preview: in one, nothing is created or updated, and outputs are the inputs.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from penstock_deploy import paths
from penstock_deploy.plugins.interface import ADD, DELETE, UPDATE, Diff, ProviderError, Reading, Subject
from penstock_deploy.plugins.process import ProviderProcess
from penstock_deploy.values import Properties, Secret, has_secret, plain

_SERVER = Path(__file__).parents[1] / "program" / "dynamic_server.py"
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "USER", "LOGNAME", "SSL_CERT_FILE")
_KINDS = {"add": ADD, "delete": DELETE, "update": UPDATE}


class DynamicProviders(ProviderProcess):
    """One process for all dynamic resources of a deployment."""

    def __init__(
        self, python: Path, environment: Mapping[str, str], folder: Path, project: str, configuration: Properties
    ) -> None:
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        process = subprocess.Popen(
            [str(python), "-P", "-u", str(_SERVER)],
            env={**inherited, **environment, "PULUMI_PROJECT": project, "GRPC_VERBOSITY": "NONE"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            start_new_session=True,
        )
        self._connect(process, "the process of the program's dynamic providers", plain(configuration))

    def check(self, subject: Subject, olds: Properties, news: Properties, seed: bytes) -> Properties:
        return _hidden_as(news, super().check(subject, plain(olds), plain(news), seed))

    def diff(
        self, subject: Subject, id_: str, old_inputs: Properties, old_outputs: Properties, news: Properties,
        ignore_changes: list[str],
    ) -> Diff:  # fmt: skip
        before, after = plain(old_inputs), plain(news)
        found = super().diff(subject, id_, before, plain(old_outputs), after, ignore_changes)
        if found.changes and not found.detailed:
            found.detailed = {paths.write(keys): _KINDS[kind] for keys, kind in paths.differences(before, after)}
        return found

    def create(self, subject: Subject, inputs: Properties, *, preview: bool) -> tuple[str, Properties]:
        if preview:
            return "", dict(inputs)
        id_, outputs = super().create(subject, plain(inputs), preview=False)
        return id_, _hidden_as(inputs, outputs)

    def read(self, subject: Subject, id_: str, inputs: Properties, outputs: Properties) -> Reading | None:
        found = super().read(subject, id_, plain(inputs), plain(outputs))
        if found is None:
            return None
        return Reading(found.id, _hidden_as(inputs, found.inputs or plain(inputs)), _hidden_as(inputs, found.outputs))

    def find(self, subject: Subject, inputs: Properties) -> Reading | None:  # noqa: ARG002
        """Nobody but the program knows what a creation that was cut off has left: it is tried again."""
        return None

    def update(
        self, subject: Subject, id_: str, old_inputs: Properties, old_outputs: Properties, news: Properties,
        ignore_changes: list[str], *, preview: bool,
    ) -> Properties:  # fmt: skip
        if preview:
            return dict(news)
        outputs = super().update(
            subject, id_, plain(old_inputs), plain(old_outputs), plain(news), ignore_changes, preview=False
        )
        return _hidden_as(news, outputs)

    def delete(self, subject: Subject, id_: str, inputs: Properties, outputs: Properties) -> None:
        super().delete(subject, id_, plain(inputs), plain(outputs))

    def invoke(self, token: str, arguments: Properties, *, preview: bool) -> Properties:  # noqa: ARG002
        raise ProviderError(f"a dynamic provider has no functions: {token}")


def _hidden_as(given: Properties, values: Properties) -> Properties:
    """The values, hidden where what was given under the same name was."""
    hidden = {name for name, value in given.items() if has_secret(value)}
    return {name: _hidden(value) if name in hidden else value for name, value in values.items()}


def _hidden(value: Any) -> Secret:
    return value if isinstance(value, Secret) else Secret(value)
