"""Requests of our own services, handed to the services process before LocalStack parses them.

LocalStack's parser knows only its own, older botocore model; so nothing here looks into the body.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import urllib3

from penstock_gateway import routing

LOG = logging.getLogger(__name__)

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
        "date",
        "server",
    }
)
READ_TIMEOUT_SECONDS = 3700.0
"""Longer than the longest call that AWS allows (an hour, for asynchronous inference)."""

STREAM_CHUNK_BYTES = 16 * 1024


class Forwarder:
    """A handler of LocalStack's request chain: forwards what is ours and stops the chain, leaves the rest alone."""

    def __init__(self, url: str, connections: int = 64) -> None:
        """`url` is the services process's address; at most `connections` idle connections to it are kept."""
        self.url = url
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            block=False,
            retries=False,
            timeout=urllib3.Timeout(connect=5.0, read=READ_TIMEOUT_SECONDS),
        )

    def __call__(self, chain: Any, context: Any, response: Any) -> None:
        """Forward `context.request` if it is ours."""
        request = context.request
        query = request.query_string.decode("latin-1")
        if not routing.is_ours(request.method, request.path, query, request.headers):
            return
        raw_path = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.full_path
        path = raw_path if raw_path.startswith("/") else "/" + raw_path.split("/", 3)[-1]
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP]
        try:
            answer = self._pool.request(
                request.method,
                self.url + path,
                body=request.get_data() or None,
                headers=urllib3.HTTPHeaderDict(headers),
                preload_content=False,
                redirect=False,
                decode_content=False,
            )
        except urllib3.exceptions.HTTPError as error:
            LOG.warning("no answer from the services process at %s: %s", self.url, error)
            self._unavailable(response)
        else:
            self._copy(answer, response)
        chain.stop()

    def _copy(self, answer: urllib3.BaseHTTPResponse, response: Any) -> None:
        response.status_code = answer.status
        for name in list(response.headers.keys()):
            del response.headers[name]
        for name, value in answer.headers.items():
            if name.lower() not in HOP_BY_HOP:
                response.headers.add(name, value)
        if "content-length" in answer.headers:
            response.data = answer.read()
            answer.release_conn()
        else:
            response.response = _chunks(answer)

    def _unavailable(self, response: Any) -> None:
        response.status_code = 503
        response.headers["Content-Type"] = "application/x-amz-json-1.1"
        response.headers["x-amzn-ErrorType"] = "ServiceUnavailable"
        response.data = json.dumps(
            {
                "__type": "ServiceUnavailable",
                "message": "Penstock's services process does not answer; it is being restarted. "
                "See logs/services.log in the local cloud's state folder.",
            }
        )


def _chunks(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    try:
        yield from answer.stream(STREAM_CHUNK_BYTES, decode_content=False)
    finally:
        answer.release_conn()
