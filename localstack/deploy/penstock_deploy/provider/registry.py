"""All resource types and functions of the provider, by token; a service's module is imported when first needed."""

from __future__ import annotations

import difflib
import importlib
import keyword
import pkgutil
from collections.abc import Callable

from penstock_deploy.plugins.interface import ProviderError
from penstock_deploy.provider import types
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.resource_type import ResourceType
from penstock_deploy.values import Properties

Function = Callable[[Aws, Properties], Properties]
_types: dict[str, ResourceType] = {}
_functions: dict[str, Function] = {}
RECIPE = "How to add it: the recipe in penstock_deploy/provider/types/__init__.py."


def resource[T: type[ResourceType]](cls: T) -> T:
    """Register a resource type (class decorator)."""
    _types[cls.pulumi_type] = cls()
    return cls


def function(token: str) -> Callable[[Function], Function]:
    """Register a function (decorator)."""

    def register(implementation: Function) -> Function:
        _functions[token] = implementation
        return implementation

    return register


def _import_service(token: str) -> None:
    """Import the module of a token's service: `aws:s3/bucket:Bucket` lies in `types/s3.py`, Lambda's in `lambda_.py`."""
    parts = token.split(":")
    service = parts[1].split("/")[0] if len(parts) == 3 else ""
    service = f"{service}_" if keyword.iskeyword(service) else service
    if any(item.name == service for item in pkgutil.iter_modules(types.__path__)):
        importlib.import_module(f"{types.__name__}.{service}")


def tokens() -> list[str]:
    """The tokens of every resource type there is."""
    for item in pkgutil.iter_modules(types.__path__):
        importlib.import_module(f"{types.__name__}.{item.name}")
    return sorted(_types)


def type_of(token: str) -> ResourceType:
    """The resource type of a token; an unknown one is a ProviderError that names it."""
    if token not in _types:
        _import_service(token)
    found = _types.get(token)
    if found is None:
        near = difflib.get_close_matches(token, tokens(), 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise ProviderError(f"the local AWS provider does not have the resource type {token}", hint + RECIPE)
    return found


def function_of(token: str) -> Function:
    """The function of a token; an unknown one is a ProviderError that names it."""
    if token not in _functions:
        _import_service(token)
    found = _functions.get(token)
    if found is None:
        raise ProviderError(f"the local AWS provider does not have the function {token}", RECIPE)
    return found
