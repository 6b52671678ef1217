"""`Pulumi.<stack>.yaml`, edited in place: what an edit is not about (comments, order, style) stays as it was."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import yaml

from penstock_deploy.cli.failures import CommandError

_SALT = "encryptionsalt"
_CONFIG = "config"


def write_value(value: Any, indent: int) -> str:
    """A value as it follows `key:` in Pulumi's own files; `indent` is the key's column."""
    inner = " " * (indent + 2)
    if isinstance(value, dict) and value:
        return "".join(f"\n{inner}{_scalar(key)}:{write_value(item, indent + 2)}" for key, item in value.items())
    if isinstance(value, list) and value:
        return "".join(f"\n{inner}-{_item(item, indent + 2)}" for item in value)
    return f" {_scalar(value)}"


def _item(value: Any, indent: int) -> str:
    written = write_value(value, indent)
    # A mapping or list within a list begins on the line of its dash. Other white space may belong to a key.
    return f" {written.lstrip('\n ')}" if written.startswith("\n") else written


def _scalar(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    written = yaml.safe_dump(value, width=2**30, allow_unicode=True).removesuffix("\n...\n").removesuffix("\n")
    if written == value:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in quoted)


class StackFile:
    """One stack's configuration file; it need not exist."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._text = path.read_text(encoding="utf-8") if path.is_file() else ""
        self.content = self._parse(self._text)

    def _parse(self, text: str) -> dict[str, Any]:
        try:
            content = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise CommandError(f"{self.path} is not valid YAML: {error}") from error
        if content is not None and not isinstance(content, dict):
            raise CommandError(f"{self.path} must hold a mapping, not a {type(content).__name__}")
        if content and content.get(_CONFIG) is not None and not isinstance(content[_CONFIG], dict):
            raise CommandError(f"{self.path}: config must hold a mapping")
        return content or {}

    @property
    def salt(self) -> str:
        """The salt that the file's secrets were encrypted with; empty without any."""
        return str(self.content.get(_SALT) or "")

    @property
    def values(self) -> dict[str, Any]:
        """The configuration as it stands in the file."""
        return dict(self.content.get(_CONFIG) or {})

    def set_salt(self, salt: str) -> None:
        """Say which salt the file's secrets are encrypted with."""
        expected = {**self.content, _SALT: salt}
        root = self._root()
        if root is None or root.flow_style:
            self._accept(f"{_SALT}: {salt}\n{self._text}", expected)
            return
        pair = _find(root, _SALT)
        if pair is not None:
            text = self._replaced(pair[1], f" {salt}")
        else:
            at = root.value[0][0].start_mark.index if root.value else len(self._text)
            text = f"{self._text[:at]}{_SALT}: {salt}\n{self._text[at:]}"
        self._accept(text, expected)

    def set_value(self, key: str, value: Any) -> None:
        """Set one key of the configuration."""
        expected = {**self.content, _CONFIG: {**self.values, key: value}}
        root = self._root()
        pair = _find(root, _CONFIG) if root is not None else None
        if pair is None:
            start = self._text if not self._text or self._text.endswith("\n") else f"{self._text}\n"
            self._accept(f"{start}{_CONFIG}:\n  {_scalar(key)}:{write_value(value, 2)}\n", expected)
            return
        config = pair[1]
        if not isinstance(config, yaml.MappingNode) or config.flow_style or not config.value:
            self._accept(self._replaced(config, write_value(expected[_CONFIG], 0)), expected)
            return
        known = _find(config, key)
        if known is not None:
            written = write_value(value, known[0].start_mark.column)
            self._accept(self._replaced(known[1], written), expected)
            return
        column = config.value[0][0].start_mark.column
        end = self._line_end(_end(config))
        entry = f"{' ' * column}{_scalar(key)}:{write_value(value, column)}\n"
        head = self._text[:end] if self._text[:end].endswith("\n") else f"{self._text[:end]}\n"
        self._accept(head + entry + self._text[end:], expected)

    def remove_value(self, key: str) -> None:
        """Take one key out of the configuration; nothing happens when it is not there."""
        if key not in self.values:
            return
        remaining = {name: value for name, value in self.values.items() if name != key}
        expected = {name: value for name, value in self.content.items() if name != _CONFIG}
        if remaining:
            expected = {name: remaining if name == _CONFIG else value for name, value in self.content.items()}
        root = self._root()
        pair = _find(root, _CONFIG) if root is not None else None
        if pair is not None and remaining and isinstance(pair[1], yaml.MappingNode):
            pair = _find(pair[1], key)
        if pair is None:
            self._accept("", expected)
            return
        start = self._text.rfind("\n", 0, pair[0].start_mark.index) + 1
        self._accept(self._text[:start] + self._text[self._line_end(_end(pair[1])) :], expected)

    def save(self) -> None:
        """Write the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        temporary.write_text(self._text, encoding="utf-8")
        temporary.replace(self.path)

    # -- the text

    def _root(self) -> yaml.MappingNode | None:
        root = yaml.compose(self._text, yaml.SafeLoader)
        return root if isinstance(root, yaml.MappingNode) else None

    def _replaced(self, node: yaml.Node, written: str) -> str:
        """The text with a value replaced, from the colon on."""
        start = self._text.rfind(":", 0, node.start_mark.index) + 1
        if node.start_mark.index == _end(node):
            start = node.start_mark.index  # an empty value: it begins at the colon
        end = _end(node)
        return self._text[:start] + written + ("\n" if self._text[:end].endswith("\n") else "") + self._text[end:]

    def _line_end(self, index: int) -> int:
        """The index after the line that ends at or after `index`."""
        if index and self._text[index - 1] == "\n":
            return index
        found = self._text.find("\n", index)
        return len(self._text) if found < 0 else found + 1

    def _accept(self, text: str, expected: dict[str, Any]) -> None:
        """Take the edited text, or, where the file's style defeats the edit, the whole content written anew."""
        try:
            right = (yaml.safe_load(text) or {}) == expected
        except yaml.YAMLError:
            right = False
        if not right:
            text = "".join(f"{_scalar(key)}:{write_value(value, 0)}\n" for key, value in expected.items())
        self._text, self.content = text, expected


def _find(mapping: yaml.MappingNode, key: str) -> tuple[yaml.Node, yaml.Node] | None:
    return next(((name, value) for name, value in mapping.value if name.value == key), None)


def _end(node: yaml.Node) -> int:
    """Where a node's text ends. A block's own mark is where the next one begins, after comments: its last leaf's counts."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _end(node.value[-1][1])
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1])
    end: int = node.end_mark.index
    return end
