"""Stores of LocalStack and moto as bytes, and back.

The pickler is Python's own in C, which walks a store without letting another thread change it under way, and is some
thirty times as fast as LocalStack's. Stores, and moto's backends, are pickled by their names wherever they are
referred to: what comes back refers to those of the new process.
"""

from __future__ import annotations

import copyreg
import io
import itertools
import logging
import pickle
import sys
import threading
import types
from collections.abc import Callable
from typing import Any

from localstack.services.stores import AccountRegionBundle, BaseStore, RegionBundle
from localstack.state import pickle as by_value
from moto.backends import get_backend
from moto.core.base_backend import AccountSpecificBackend, BackendDict, BaseBackend

LOG = logging.getLogger(__name__)
PROTOCOL = pickle.HIGHEST_PROTOCOL
LONG_SECONDS = 30.0

Reduced = tuple[Any, ...]
Reducer = Callable[[Any], Any]

_bundles: dict[str, AccountRegionBundle[Any]] = {}
"""LocalStack's bundles of stores by service: `stores.of` enters them."""

_switching = threading.Lock()
_switch_interval = sys.getswitchinterval()


def know(service: str, bundle: AccountRegionBundle[Any]) -> None:
    """Enter a bundle of stores, so that references to its stores can be pickled."""
    _bundles[service] = bundle


def _store(service: str, account: str, region: str) -> Any:
    return _bundles[service][account][region]


def _backend(service: str, account: str, region: str) -> Any:
    return get_backend(service)[account][region]


def _backends(service: str) -> Any:
    return get_backend(service)


def _account_backends(service: str, account: str) -> Any:
    return get_backend(service)[account]


def _nothing() -> None:
    return None


def _event(is_set: bool) -> threading.Event:
    event = threading.Event()
    if is_set:
        event.set()
    return event


def _function(data: bytes) -> Any:
    return by_value.loads(data)


def _counter(value: int) -> Any:
    return itertools.count(value)


def _reduce_backend(backend: BaseBackend) -> Reduced:
    name = backend.__class__.__module__.split(".")[1]
    for known in BackendDict._instances:
        if known.backend is type(backend):
            name = known.service_name
            break
    return _backend, (name, backend.account_id, backend.region_name)


def _reduce_function(function: types.FunctionType) -> Any:
    if "<" not in function.__qualname__:
        return NotImplemented  # found again by its name
    return _function, (by_value.dumps(function),)


_EXACT: dict[type, Reducer] = {
    type(threading.Lock()): lambda _: (threading.Lock, ()),
    type(threading.RLock()): lambda _: (threading.RLock, ()),
    threading.Event: lambda event: (_event, (event.is_set(),)),
    threading.Condition: lambda _: (threading.Condition, ()),
    types.FunctionType: _reduce_function,
    itertools.count: lambda counter: (_counter, (int(repr(counter)[6:-1]),)),
    types.GeneratorType: lambda _: (_nothing, ()),
}
_BASES: list[tuple[type, Reducer]] = [
    (threading.Thread, lambda _: (_nothing, ())),
    (BaseBackend, _reduce_backend),
    (AccountSpecificBackend, lambda found: (_account_backends, (found.service_name, found.account_id))),
    (BackendDict, lambda found: (_backends, (found.service_name,))),
    (BaseStore, lambda store: (_store, (store._service_name, store._account_id, store._region_name))),
    (RegionBundle, lambda _: (_nothing, ())),
]


def reduce_with(kind: type, reducer: Reducer, *, subclasses: bool = False) -> None:
    """Pickle objects of a type as `reducer` says (as `object.__reduce__` does; NotImplemented: as usual)."""
    if subclasses:
        _BASES.insert(0, (kind, reducer))
    else:
        _EXACT[kind] = reducer
    _found.clear()


_found: dict[type, Reducer | None] = {}


def _reducer_for(kind: type) -> Reducer | None:
    found = _EXACT.get(kind)
    if found is None:
        found = next((reducer for base, reducer in _BASES if issubclass(kind, base)), None)
    _found[kind] = found
    return found


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        try:
            reducer = _found[kind]
        except KeyError:
            reducer = _reducer_for(kind)
        return NotImplemented if reducer is None else reducer(obj)


def dumps(value: Any) -> bytes:
    """The bytes of `value`, as it is at one moment: other threads wait meanwhile. Raises what pickling raises."""
    out = io.BytesIO()
    with _switching:
        sys.setswitchinterval(LONG_SECONDS)
        try:
            _Pickler(out, PROTOCOL).dump(value)
        finally:
            sys.setswitchinterval(_switch_interval)
    return out.getvalue()


def loads(data: bytes) -> Any:
    """The value of which `dumps` made these bytes."""
    return pickle.loads(data)  # noqa: S301 - our own file, below a folder that only its owner reads


def plain_dumps(value: Any) -> bytes:
    """The bytes of a small value that holds no locks, stores or functions."""
    return pickle.dumps(value, PROTOCOL)


copyreg.pickle(types.MappingProxyType, lambda proxy: (types.MappingProxyType, (dict(proxy),)))
