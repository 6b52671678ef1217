"""Whether a compiled model predicts what its model predicts: on rows around the values at which its trees split."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from penstock_services.containers.compilation.failure import CompilationError

ROWS = 2000
_RELATIVE, _ABSOLUTE = 1e-4, 1e-5
_MISSING = 0.05
_TIE = 1e-6


def rows(count: int, thresholds: Mapping[int, list[float]], integers: set[int], *, missing: bool) -> Any:
    """Rows of single precision: values at, just below and around the thresholds of each feature; ``integers``: features
    whose values are categories; ``missing``: some values are missing."""
    numpy = importlib.import_module("numpy")
    random = numpy.random.default_rng(0)
    made = random.normal(size=(ROWS, count)).astype(numpy.float32)
    for feature, values in thresholds.items():
        known = numpy.array(values, dtype=numpy.float32)
        chosen = random.choice(known, ROWS)
        if feature in integers:
            made[:, feature] = random.integers(0, int(known.max()) + 2, ROWS)
            continue
        scale = float(known.std()) or 1.0
        shift = random.choice([0, 1, 2], ROWS)
        below = numpy.nextafter(chosen, numpy.float32(-numpy.inf))
        around = chosen + random.normal(size=ROWS).astype(numpy.float32) * numpy.float32(scale)
        made[:, feature] = numpy.where(shift == 0, chosen, numpy.where(shift == 1, below, around))
    if missing:
        made[random.random(made.shape) < _MISSING] = numpy.nan
    return made


def compare(expected: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, float]:
    """The largest difference of each output. Raises CompilationError where one is more than rounding.

    The predicted class of a classifier is compared where no two classes are equally probable: rounding decides there.
    """
    numpy = importlib.import_module("numpy")
    decided = slice(None)
    if "probabilities" in expected:
        ordered = numpy.sort(numpy.asarray(expected["probabilities"]), axis=1)
        decided = ordered[:, -1] - ordered[:, -2] > _TIE if ordered.shape[1] > 1 else decided
    differences = {}
    for what, wanted in expected.items():
        rows = decided if what == "predictions" else slice(None)
        differences[what] = _difference(numpy.asarray(wanted)[rows], numpy.asarray(found[what])[rows], what)
    return differences


def _difference(expected: Any, found: Any, what: str) -> float:
    numpy = importlib.import_module("numpy")
    if expected.dtype.kind in "OUS" or found.dtype.kind in "OUS":
        wrong = int((expected.astype(str).reshape(-1) != found.astype(str).reshape(-1)).sum())
        difference = float(wrong)
        equal = wrong == 0
    else:
        expected = expected.astype(float).reshape(found.shape)
        difference = float(numpy.abs(expected - found).max(initial=0.0))
        equal = bool(numpy.allclose(expected, found, rtol=_RELATIVE, atol=_ABSOLUTE))
    if not equal:
        message = (
            f"the compiled model does not predict the same ({what} differ by up to {difference:g}): it is not kept"
        )
        raise CompilationError(message)
    return difference
