"""The default decoders and encoders of the inference toolkit: JSON, CSV and NPY to and from NumPy arrays."""

from __future__ import annotations

import io
import json
from typing import Any

from penstock_services.containers.framework.serving.errors import (
    BadBodyError,
    UnsupportedAcceptError,
    UnsupportedContentTypeError,
)

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"


def media_type(header: str) -> str:
    """A content type without its parameters."""
    return header.partition(";")[0].strip().lower()


def decode(body: bytes, content_type: str) -> Any:
    """The array that a body holds. Raises UnsupportedContentTypeError or BadBodyError."""
    import numpy as np

    kind = media_type(content_type)
    try:
        if kind == JSON:
            return np.array(json.loads(body))
        if kind == CSV:
            return np.genfromtxt(io.StringIO(body.decode()), delimiter=",")
        if kind == NPY:
            return np.load(io.BytesIO(body), allow_pickle=False)
    except (ValueError, UnicodeDecodeError, EOFError) as error:
        message = f"The body is not {kind}: {error}"
        raise BadBodyError(message) from error
    message = f"Content type {content_type} is not supported by this framework."
    raise UnsupportedContentTypeError(message)


def plain(value: Any) -> Any:
    """A prediction as JSON knows it: arrays, tensors and frames as lists."""
    for method in ("detach", "numpy"):
        if hasattr(value, method):
            value = getattr(value, method)()
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value


def encode(prediction: Any, accept: str) -> bytes:
    """A prediction as a body. Raises UnsupportedAcceptError."""
    import numpy as np

    kind = media_type(accept)
    if kind == JSON:
        return json.dumps(plain(prediction)).encode()
    if kind == CSV:
        text = io.StringIO()
        np.savetxt(text, np.asarray(plain(prediction)), delimiter=",", fmt="%s")
        return text.getvalue().encode()
    if kind == NPY:
        content = io.BytesIO()
        np.save(content, np.asarray(plain(prediction)))
        return content.getvalue()
    message = f"Accept {accept} is not supported by this framework."
    raise UnsupportedAcceptError(message)


def chosen(accept: str | None, known: tuple[str, ...], default: str) -> str:
    """The first type of an Accept header that is known; the default where anything will do; else the first asked for."""
    asked = [media_type(each) for each in (accept or "").split(",") if each.strip()]
    for each in asked:
        if each in known:
            return each
        if each in ("*/*", "application/*" if default.startswith("application/") else "text/*"):
            return default
    return asked[0] if asked else default
