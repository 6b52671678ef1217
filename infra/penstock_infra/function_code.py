"""The archive of a Lambda function: a module of `penstock_infra.functions` and what it imports of there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pulumi

from penstock_infra import functions

RUNTIME = "python3.13"
_FOLDER = Path(functions.__file__).parent


def archive(module: str) -> pulumi.AssetArchive:
    """The module and its own imports, as the package that they are here, so that they import each other unchanged.

    Raises ValueError when there is no such module.
    """
    package, folder = functions.__name__.split(".")
    files: dict[str, pulumi.Asset | pulumi.Archive] = {
        f"{package}/__init__.py": pulumi.StringAsset(""),
        f"{package}/{folder}/__init__.py": pulumi.StringAsset(""),
    }
    for name in sorted(set(needed(module))):
        files[f"{package}/{folder}/{name}.py"] = pulumi.FileAsset(str(_FOLDER / f"{name}.py"))
    return pulumi.AssetArchive(files)


def needed(module: str) -> Iterator[str]:
    """The module's name and those of the functions' modules that it imports, directly or not."""
    file = _FOLDER / f"{module}.py"
    if not file.is_file():
        known = sorted(path.stem for path in _FOLDER.glob("[a-z]*.py"))
        raise ValueError(f"there is no function {module!r}; known: {', '.join(known)}")
    yield module
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == functions.__name__:
            for alias in node.names:
                yield from needed(alias.name)


def handler(module: str) -> str:
    """Lambda's name of a module's handler."""
    return f"{functions.__name__}.{module}.handler"
