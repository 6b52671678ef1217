"""EventBridge's input transformer on a JSON template. Pure.

LocalStack guesses whether a placeholder stands inside a JSON string from the punctuation behind it, does not escape
what it inserts there, and writes 0 and false as an empty string: an alarm's reason with a quotation mark, or a
comment of two lines, then breaks the whole event, which is dropped. (Amazon EventBridge user guide, "Input
transformation".)
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

PLACEHOLDER = re.compile(r"<([^<>\"\s]+)>")


def is_json(template: str) -> bool:
    """Whether a template describes a JSON object or array (else it is a text)."""
    return template.lstrip()[:1] in ("{", "[")


def fill(template: str, values: Mapping[str, Any]) -> Any:
    """The JSON value that `template` describes, each `<name>` replaced by `values[name]` (missing: an empty string).

    Outside of a string the placeholder becomes the JSON value; inside, its text (objects: their JSON). Raises
    ValueError with the filled text if that is not JSON.
    """
    pieces: list[str] = []
    inside = False
    position = 0
    while position < len(template):
        character = template[position]
        match = PLACEHOLDER.match(template, position) if character == "<" else None
        if match:
            value = values.get(match.group(1), "")
            pieces.append(text_within_string(value) if inside else json.dumps(value, default=plain))
            position = match.end()
            continue
        if inside and character == "\\":
            pieces.append(template[position : position + 2])
            position += 2
            continue
        if character == '"':
            inside = not inside
        pieces.append(character)
        position += 1
    filled = "".join(pieces)
    try:
        # `strict=False`: a line break inside a template's string is let through, as EventBridge does.
        return json.loads(filled, strict=False)
    except json.JSONDecodeError as error:
        raise ValueError(f"the input template is not JSON once it is filled in ({error}): {filled}") from error


def text_within_string(value: Any) -> str:
    """A value as it stands inside a JSON string: escaped, without quotation marks around it."""
    text = value if isinstance(value, str) else plain(value) if isinstance(value, datetime) else None
    if text is None:
        text = json.dumps(value, default=plain, separators=(",", ":"))
    return json.dumps(text)[1:-1]


def plain(value: Any) -> str:
    """What JSON has no form for: times as events write them."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)
