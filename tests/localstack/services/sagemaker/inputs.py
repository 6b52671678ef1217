"""Valid values of the model's shapes: the smallest one, and strategies over all."""

from __future__ import annotations

import base64
import functools
import itertools
import re
from typing import Any

from hypothesis import strategies as st

from penstock_services.sagemaker.model import load
from penstock_services.sagemaker.patterns import matches, to_python

Strategy = st.SearchStrategy[Any]
_ARN = "arn:aws:sagemaker:us-east-1:000000000000:"
# Texts that most of the model's patterns know; the shortest that matches is the minimal one.
_TEXTS = [
    "a",
    "ab1",
    "1",
    "10",
    "1.0",
    "1.0.0",
    "abc-def",
    "Ab3-x9",
    "a" * 12,
    "a" * 32,
    "d-abcdefghijkl",
    "s3://bucket/prefix",
    "https://bucket.s3.us-east-1.amazonaws.com/prefix",
    "https://example.org/path",
    "https://github.com/example/models.git",
    "000000000000.dkr.ecr.us-east-1.amazonaws.com/models:v1",
    "arn:aws:iam::000000000000:role/training",
    "arn:aws:kms:us-east-1:000000000000:key/12345678-1234-1234-1234-123456789012",
    "arn:aws:lambda:us-east-1:000000000000:function:PRE-example",
    "arn:aws:sns:us-east-1:000000000000:topic",
    "arn:aws:secretsmanager:us-east-1:000000000000:secret:example-AbCdEf",
    "arn:aws:cloudwatch:us-east-1:000000000000:alarm:example",
    "arn:aws:servicecatalog:us-east-1:000000000000:product/example",
    "arn:aws:ecr:us-east-1:000000000000:repository/models",
    "arn:aws:elasticfilesystem:us-east-1:000000000000:file-system/fs-12345678",
    f"{_ARN}model/abc",
    f"{_ARN}image/abc",
    f"{_ARN}image-version/abc/1",
    f"{_ARN}cluster/abcdefghijkl",
    f"{_ARN}domain/d-abcdefghijkl",
    f"{_ARN}artifact/0123456789abcdef0123456789abcdef",
    f"{_ARN}model-package/abc/1",
    f"{_ARN}model-package-group/abc",
    f"{_ARN}pipeline/abc",
    f"{_ARN}pipeline/abc/execution/abcdefghijkl",
    f"{_ARN}model-card/abc/export-job/abc",
    f"{_ARN}studio-lifecycle-config/abc",
    f"{_ARN}mlflow-app/app-ABCDEFGHIJKL",
    f"{_ARN}partner-app/app-ABCDEFGHIJKL",
    f"{_ARN}workteam/private-crowd/abc",
    f"{_ARN}training-plan/abc",
    f"{_ARN}endpoint/abc",
    f"{_ARN}app-image-config/abc",
    f"{_ARN}human-task-ui/abc",
    f"{_ARN}extension/sagemaker-a/a/a",
    "arn:aws:sagemaker:us-east-1:aws:hub-content/Hub/Model/abc",
    f"{_ARN}reserved-capacity/abc",
    "i-12345678",
    "fs-12345678",
    "sg-12345678",
    "subnet-12345678",
    "vpc-12345678",
    "us-east-1_abc",
    "10.0.0.0/16",
    "cron(0 * ? * * *)",
    "rate(1 hour)",
    "Mon:00:00",
    "Mon:01:30",
    "2026-01-31",
    "2026-01-31T00:00:00Z",
    "-PT1H",
    "PT1H",
    "P1D",
    "{}",
    "YWJj",
    "python",
    "ml.m5.large",
    "Tags.key",
    "sha256:" + "a" * 64,
    "a@example.org",
    "0.5",
    "12345678-1234-1234-1234-123456789012",
]
_counter = itertools.count()


def unique() -> str:
    """A name that no other resource of this test run has, short enough for every kind."""
    return f"x{next(_counter):06d}"


def _fits(shape: dict[str, Any], text: str) -> bool:
    pattern = shape.get("pattern")
    return shape.get("min", 0) <= len(text) <= shape.get("max", 10_000) and (not pattern or matches(pattern, text))


@functools.cache
def _known(name: str) -> tuple[str, ...]:
    """Texts that satisfy a string shape, the simplest first."""
    shape = load("sagemaker").shapes[name]
    if "enum" in shape:
        return tuple(shape["enum"])
    found = [text for text in _TEXTS if _fits(shape, text)]
    length = shape.get("min", 0)
    return tuple(found or [text for text in ("a" * length, "1" * length, "A" * length) if _fits(shape, text)])


def minimal(name: str | None, depth: int = 0) -> Any:
    """The smallest valid value of a shape."""
    if name is None:
        return {}
    model = load("sagemaker")
    shape = model.shapes[name]
    kind = shape["type"]
    if kind == "structure":
        required = shape.get("required", [])
        if shape.get("union"):
            required = [next(iter(shape["members"]))]
        return {member: minimal(shape["members"][member]["shape"], depth + 1) for member in required}
    if kind == "list":
        return [minimal(shape["member"]["shape"], depth + 1) for _ in range(shape.get("min", 0))]
    if kind == "map":
        keys = _known(shape["key"]["shape"])[: shape.get("min", 0)]
        return {key: minimal(shape["value"]["shape"], depth + 1) for key in keys}
    if kind == "string":
        known = _known(name)
        assert known, f"no text is known for {name}: {shape.get('pattern')}"
        return known[0]
    if kind in ("integer", "long"):
        return shape.get("min", 1)
    return {"float": 1.0, "double": 1.0, "boolean": True, "timestamp": 1_700_000_000, "blob": "YWJj"}[kind]


@functools.cache
def values(name: str, depth: int = 0) -> Strategy:
    """Valid values of a shape; deep down only what is required."""
    model = load("sagemaker")
    shape = model.shapes[name]
    kind = shape["type"]
    if kind == "structure":
        return _structures(shape, depth)
    if kind == "list":
        low = shape.get("min", 0)
        high = min(shape.get("max", low + 2), low + (2 if depth < 4 else 0))
        return st.lists(values(shape["member"]["shape"], depth + 1), min_size=low, max_size=max(low, high))
    if kind == "map":
        low = shape.get("min", 0)
        keys = st.sampled_from(_known(shape["key"]["shape"]) or ("a",))
        return st.dictionaries(keys, values(shape["value"]["shape"], depth + 1), min_size=low, max_size=max(low, 2))
    if kind == "string":
        return _strings(name, shape)
    if kind in ("integer", "long"):
        return st.integers(shape.get("min", 0), shape.get("max", 2**31 - 1))
    if kind in ("float", "double"):
        return st.floats(shape.get("min", 0), shape.get("max", 1e6), allow_nan=False, width=32)
    if kind == "timestamp":
        return st.integers(1_600_000_000, 1_800_000_000)
    if kind == "blob":
        return st.binary(max_size=8).map(lambda raw: base64.b64encode(raw).decode())
    return st.booleans()


def _structures(shape: dict[str, Any], depth: int) -> Strategy:
    members = shape.get("members", {})
    if shape.get("union"):
        choices = [
            st.fixed_dictionaries({member: values(reference["shape"], depth + 1)})
            for member, reference in members.items()
            if depth < 4 or load("sagemaker").shapes[reference["shape"]]["type"] != "structure"
        ]
        first = next(iter(members))
        return st.one_of(choices or [st.fixed_dictionaries({first: values(members[first]["shape"], depth + 1)})])
    required = set(shape.get("required", []))
    always = {member: values(members[member]["shape"], depth + 1) for member in required}
    some = {
        member: values(reference["shape"], depth + 1)
        for member, reference in members.items()
        if member not in required and depth < 3
    }
    return st.fixed_dictionaries(always, optional=some)


def _strings(name: str, shape: dict[str, Any]) -> Strategy:
    known = _known(name)
    if "enum" in shape:
        return st.sampled_from(known)
    pattern = shape.get("pattern")
    low, high = shape.get("min", 0), shape.get("max", 40)
    if not pattern:
        return st.text(
            st.characters(codec="utf-8", exclude_characters="\x00"), min_size=low, max_size=min(high, low + 20)
        )
    python = to_python(pattern)
    if len(python) > 200 or low > 8 or not known:
        return st.sampled_from(known) if known else st.from_regex(re.compile(python), fullmatch=True)
    drawn = st.from_regex(re.compile(python, re.ASCII), fullmatch=True).filter(lambda text: _fits(shape, text))
    return st.one_of(st.sampled_from(known), drawn)
