"""The model's patterns are Java's; these are the same as Python's ``re`` understands them."""

from __future__ import annotations

import functools
import re
import sys
import unicodedata

_PROPERTY = re.compile(r"\\p\{(\w+)\}")
_ASCII = {"Alnum": "0-9A-Za-z", "Alpha": "A-Za-z", "Digit": "0-9", "Upper": "A-Z", "Lower": "a-z", "ASCII": "\x00-\x7f"}


@functools.cache
def _general_category(letter: str) -> str:
    """The inside of a character class with every code point whose general category starts with ``letter``."""
    ranges: list[str] = []
    start = previous = -1
    for point in range(sys.maxunicode + 1):
        if unicodedata.category(chr(point))[0] != letter:
            continue
        if point != previous + 1:
            if start >= 0:
                ranges.append(_range(start, previous))
            start = point
        previous = point
    ranges.append(_range(start, previous))
    return "".join(ranges)


def _range(first: int, last: int) -> str:
    return f"\\U{first:08x}-\\U{last:08x}"


def _inside_class(pattern: str, position: int) -> bool:
    opened = False
    index = 0
    while index < position:
        if pattern[index] == "\\":
            index += 2
            continue
        if pattern[index] == "[":
            opened = True
        elif pattern[index] == "]":
            opened = False
        index += 1
    return opened


def to_python(pattern: str) -> str:
    """Rewrite what Python does not know: Unicode properties, surrogate pairs, end anchors."""
    pattern = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", "\\U00010000-\\U0010FFFF")
    pattern = re.sub(r"\$\{\d+,\d+\}", "$", pattern)
    pattern = re.sub(r"(?<!\\)((?:\\\\)*)\\z", r"\1\\Z", pattern)

    def expand(found: re.Match[str]) -> str:
        name = found.group(1)
        inside = _ASCII.get(name) or _general_category(name[0])
        return inside if _inside_class(pattern, found.start()) else f"[{inside}]"

    return _PROPERTY.sub(expand, pattern)


@functools.cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The compiled form; AWS matches the whole value."""
    return re.compile(to_python(pattern))


def matches(pattern: str, value: str) -> bool:
    """Whether the whole value matches."""
    return compiled(pattern).fullmatch(value) is not None
