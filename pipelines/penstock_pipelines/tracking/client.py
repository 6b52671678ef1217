"""MLflow's REST API over boto's HTTP and signing: MLflow's own client takes ten seconds to import, this one is there already.

A server is named by its address (`http://...`) or by the ARN of a SageMaker MLflow tracking server or app. Those are
reached as AWS's plug-in for MLflow reaches them: at one address for each region (SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT, where
it is set), with the ARN in a header, signed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, HTTPClientError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

ENDPOINT_VARIABLE = "SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT"
CONNECT_SECONDS, READ_SECONDS = 5.0, 60.0
_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:([a-z0-9-]+):\d{12}:(mlflow-tracking-server|mlflow-app)/.+")


class TrackingError(Exception):
    """The server did not take a request; the text says what it answered."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Server:
    """Where a tracking server answers, and how requests to it are signed (`service` empty: not at all)."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    service: str = ""
    region: str = ""


def server(name: str, environment: Mapping[str, str] = os.environ) -> Server:
    """The server that an address or an ARN names; TrackingError for neither."""
    if name.startswith(("http://", "https://")):
        return Server(name.rstrip("/"))
    found = _ARN.fullmatch(name)
    if found is None:
        raise TrackingError(f"{name!r} is neither the address of an MLflow server nor the ARN of a managed one")
    region, kind = found.groups()
    given = environment.get(ENDPOINT_VARIABLE, "").rstrip("/")
    if kind == "mlflow-app":
        url = given or f"https://mlflow.sagemaker.{region}.app.aws"
        return Server(url, {"x-sm-mlflow-app-arn": name}, "sagemaker", region)
    url = given or f"https://{region}.experiments.sagemaker.aws"
    return Server(url, {"x-mlflow-sm-tracking-server-arn": name}, "sagemaker-mlflow", region)


class Client:
    """Requests to one server. Raises TrackingError for whatever goes wrong."""

    def __init__(self, server: Server) -> None:
        self._server = server
        proxies = get_environ_proxies(server.url)
        self._session = URLLib3Session(timeout=(CONNECT_SECONDS, READ_SECONDS), proxies=proxies)

    def get(self, operation: str, **query: str) -> dict[str, Any]:
        """GET api/2.0/mlflow/`operation`."""
        return self._send("GET", f"{operation}?{urlencode(query).replace('+', '%20')}", b"")

    def post(self, operation: str, **body: Any) -> dict[str, Any]:
        """POST api/2.0/mlflow/`operation` with a JSON body."""
        return self._send("POST", operation, json.dumps(body).encode())

    def _send(self, method: str, operation: str, body: bytes) -> dict[str, Any]:
        url = f"{self._server.url}/api/2.0/mlflow/{operation}"
        headers = {"Content-Type": "application/json", **self._server.headers}
        request = AWSRequest(method=method, url=url, data=body or None, headers=headers)
        try:
            if self._server.service:
                self._sign(request, body)
            answer = self._session.send(request.prepare())
        except (BotoCoreError, HTTPClientError) as error:
            raise TrackingError(str(error)) from None
        try:
            found: dict[str, Any] = json.loads(answer.content or b"{}")
        except ValueError:
            found = {"message": answer.text[:200]}
        if answer.status_code >= 400:
            code = str(found.get("error_code") or found.get("__type") or answer.status_code)
            raise TrackingError(f"{operation.partition('?')[0]}: {found.get('message') or code}", code)
        return found

    def _sign(self, request: AWSRequest, body: bytes) -> None:
        credentials = boto3.Session().get_credentials()
        if credentials is None:
            raise TrackingError("there are no AWS credentials to sign with")
        request.headers["X-Amz-Content-SHA256"] = hashlib.sha256(body).hexdigest()
        SigV4Auth(credentials, self._server.service, self._server.region).add_auth(request)
