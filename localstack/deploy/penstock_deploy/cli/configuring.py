"""`pulumilocal config`: list, get, set, rm."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from typing import Any

from penstock_deploy import paths
from penstock_deploy.cli.failures import WRONG_USE, CommandError
from penstock_deploy.cli.stack_file import StackFile
from penstock_deploy.cli.terminal import Terminal, print_json, table
from penstock_deploy.cli.workspace import Workspace
from penstock_deploy.project import holds_secure, opened
from penstock_deploy.state.secrets import PassphraseSecrets

_SECURE = "secure"
_HIDDEN = "[secret]"
_INTEGER = re.compile(r"(0|-?[1-9]\d*)\Z")
_TYPES: dict[str, Callable[[str], Any]] = {
    "string": str,
    "int": int,
    "bool": lambda text: {"true": True, "false": False}[text],
    "float": float,
}
_MISSING = object()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), default=str)


class StackConfiguration:
    """The configuration of one stack, as its file and the project's defaults give it."""

    def __init__(self, workspace: Workspace, stack: str) -> None:
        self._workspace = workspace
        self._stack = stack
        self.file = StackFile(workspace.configuration_file(stack))

    # -- keys

    def key(self, written: str) -> str:
        """The full key of what the user wrote: `<project>:<name>` where there is no namespace."""
        parts = written.split(":")
        if len(parts) == 1:
            parts = [self._workspace.project.name, *parts]
        elif len(parts) == 3 and parts[1] == "config":
            parts = [parts[0], parts[2]]
        if len(parts) != 2 or not all(parts):
            raise CommandError(
                f"invalid configuration key: could not parse {written} as a configuration key "
                "(configuration keys should be of the form `<namespace>:<name>`)",
                code=WRONG_USE,
            )
        return ":".join(parts)

    def pretty(self, key: str) -> str:
        """A key as it is shown: without the project's own namespace."""
        return key.removeprefix(f"{self._workspace.project.name}:")

    def _written(self, key: str) -> str:
        """The key as it stands in the file, which may leave out the project's namespace."""
        short = self.pretty(key)
        return short if short in self.file.values and key not in self.file.values else key

    def _parse_path(self, written: str) -> tuple[str, list[paths.Key]]:
        """The full key and the path below it: `app:names[0].first` is `app:names` and [0, "first"]."""
        namespace, colon, rest = "", "", written
        head = re.match(r"([^:\[.\"]+):", written)
        if head:
            namespace, colon, rest = head[1], ":", written[head.end() :]
        try:
            keys = paths.parse(rest)
        except ValueError as error:
            raise CommandError(f"invalid configuration key: {error}", code=WRONG_USE) from error
        if not keys or not isinstance(keys[0], str):
            raise CommandError(f"invalid configuration key: {written} does not begin with a name", code=WRONG_USE)
        return self.key(f"{namespace}{colon}{keys[0]}"), keys[1:]

    # -- values

    def effective(self) -> dict[str, Any]:
        """Every value by full key, as the file has it; the project's own where the file has none."""
        found = {self.key(key): value for key, value in self.file.values.items()}
        for key, declaration in self._workspace.project.configuration.items():
            value = declaration
            if isinstance(declaration, dict):
                value = declaration.get("value", declaration.get("default"))
            if value is not None:
                found.setdefault(self.key(key), value)
        return dict(sorted(found.items()))

    def secrets(self) -> PassphraseSecrets:
        """What encrypts the file's secrets: by the file's salt, else the state's, else that of new stacks."""
        backend = self._workspace.backend()
        if self.file.salt:
            return PassphraseSecrets(backend.passphrase, self.file.salt)
        secrets = self._workspace.stack(self._stack).load()[1]
        self.file.set_salt(secrets.salt)
        return secrets

    def open(self, value: Any) -> Any:
        """A value with its secrets decrypted."""
        return opened(value, lambda text: self.secrets().decrypt(text)) if holds_secure(value) else value

    def get(self, written: str, *, path: bool) -> Any:
        """The value of a key, as the file has it."""
        key, below = self._parse_path(written) if path else (self.key(written), [])
        value: Any = self.effective().get(key, _MISSING)
        for step in below:
            if isinstance(value, dict) and isinstance(step, str):
                value = value.get(step, _MISSING)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                value = _MISSING
        if value is _MISSING:
            raise CommandError(f"configuration key '{self.pretty(key)}' not found for stack '{self._stack}'")
        return value

    def set(self, written: str, text: str, *, path: bool = False, secret: bool = False, type_: str = "") -> None:
        """Set a key; not saved yet."""
        key, below = self._parse_path(written) if path else (self.key(written), [])
        value: Any = text
        if secret:
            value = {_SECURE: self.secrets().encrypt(text)}
        elif type_:
            value = _typed(text, type_)
        elif below:
            value = _inferred(text)
        name = self._written(key)
        if below:
            value = _put(self.file.values.get(name), [key, *below], 1, value)
        self.file.set_value(name, value)

    def remove(self, written: str, *, path: bool) -> None:
        """Take a key out; not saved yet."""
        key, below = self._parse_path(written) if path else (self.key(written), [])
        name = self._written(key)
        if not below:
            self.file.remove_value(name)
            return
        value = json.loads(json.dumps(self.file.values.get(name)))
        holder = value
        for step in below[:-1]:
            try:
                holder = holder[step]
            except (KeyError, IndexError, TypeError):
                return
        try:
            del holder[below[-1]]
        except (KeyError, IndexError, TypeError):
            return
        self.file.set_value(name, value)


def _typed(text: str, type_: str) -> Any:
    if type_ not in _TYPES:
        raise CommandError(f'invalid type "{type_}"; must be one of string, int, bool, or float', code=WRONG_USE)
    try:
        return _TYPES[type_](text)
    except (KeyError, ValueError) as error:
        raise CommandError(f"could not set config: {text!r} is not of type {type_}", code=WRONG_USE) from error


def _inferred(text: str) -> Any:
    """Below a key, `true`, `false` and whole numbers are what they look like, as with Pulumi."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if _INTEGER.match(text) else text


def _put(container: Any, keys: list[Any], depth: int, value: Any) -> Any:
    """`container` with `value` at the path; containers that are missing are made."""
    step = keys[depth]
    if depth == 1 and not isinstance(container, dict | list):
        container = None  # as Pulumi does: a value at the first level gives way to a container
    if container is None:
        container = [] if isinstance(step, int) else {}
    deeper = depth + 1 < len(keys)
    where = paths.write(keys[: depth + 1])
    if isinstance(container, list):
        if not isinstance(step, int):
            raise CommandError(f"could not set config: {where}: key for an array must be an int")
        if step > len(container):
            raise CommandError(f"could not set config: {where}: array index out of range")
        made = list(container)
        made[step : step + 1] = [
            _put(container[step] if step < len(container) else None, keys, depth + 1, value) if deeper else value
        ]
        return made
    if not isinstance(container, dict) or not isinstance(step, str):
        kind = "array" if isinstance(step, int) else "map"
        raise CommandError(f"could not set config: {where}: expected a {kind}")
    return {**container, step: _put(container.get(step), keys, depth + 1, value) if deeper else value}


# -- commands


def _open(arguments: argparse.Namespace, workspace: Workspace) -> StackConfiguration:
    return StackConfiguration(workspace, workspace.require(getattr(arguments, "stack", None)))


def _as_json(value: Any, configuration: StackConfiguration, *, show: bool) -> dict[str, Any]:
    secret = holds_secure(value)
    entry: dict[str, Any] = {"secret": secret}
    if secret and not show:
        return entry
    value = configuration.open(value)
    entry["value"] = _text(value)
    if isinstance(value, dict | list):
        entry["objectValue"] = value
    return entry


def listing(arguments: argparse.Namespace, workspace: Workspace, terminal: Terminal) -> None:
    """`config`"""
    del terminal
    configuration = _open(arguments, workspace)
    found = configuration.effective()
    if arguments.json:
        print_json({key: _as_json(item, configuration, show=arguments.show_secrets) for key, item in found.items()})
        return
    rows = []
    for key, value in found.items():
        plain = configuration.open(value) if arguments.show_secrets else opened(value, lambda _: _HIDDEN)
        rows.append((configuration.pretty(key), _text(plain)))
    table(("KEY", "VALUE"), rows)


def get(arguments: argparse.Namespace, workspace: Workspace, terminal: Terminal) -> None:
    """`config get`"""
    del terminal
    configuration = _open(arguments, workspace)
    value = configuration.get(arguments.key, path=arguments.path)
    if arguments.json:
        print_json(_as_json(value, configuration, show=True))
    else:
        print(_text(configuration.open(value)))


def set_(arguments: argparse.Namespace, workspace: Workspace, terminal: Terminal) -> None:
    """`config set`"""
    configuration = _open(arguments, workspace)
    text = arguments.value
    if text is None and not sys.stdin.isatty():
        text = sys.stdin.read()
        text = text if arguments.raw else text.removesuffix("\n").removesuffix("\r")
    elif text is None and terminal.interactive:
        import getpass

        text = getpass.getpass("value: ") if arguments.secret else terminal.ask("value:")
    elif text is None:
        raise CommandError("config value must be specified in non-interactive mode", code=WRONG_USE)
    if sum(map(bool, (arguments.secret, arguments.plaintext, arguments.type))) > 1:
        raise CommandError("only one of --secret, --plaintext and --type may be given", code=WRONG_USE)
    configuration.set(arguments.key, text, path=arguments.path, secret=arguments.secret, type_=arguments.type or "")
    configuration.file.save()


def remove(arguments: argparse.Namespace, workspace: Workspace, terminal: Terminal) -> None:
    """`config rm`"""
    del terminal
    configuration = _open(arguments, workspace)
    configuration.remove(arguments.key, path=arguments.path)
    if configuration.file.path.exists():
        configuration.file.save()


def save_all(workspace: Workspace, stack: str, pairs: list[str], *, path: bool) -> None:
    """What `up -c key=value` does before anything else: the values go to the stack's file."""
    if not pairs:
        return
    configuration = StackConfiguration(workspace, stack)
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or not key:
            raise CommandError("config value must be in the form [key]=[value]", code=WRONG_USE)
        configuration.set(key, value, path=path)
    configuration.file.save()
