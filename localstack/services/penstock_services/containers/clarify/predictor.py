"""Asking the model: an endpoint that is there, or one made for the analysis and taken away after it.

Clarify calls the ephemeral endpoint a shadow endpoint. Source: Amazon SageMaker developer guide, "How SageMaker
Clarify Processing Jobs Work".
"""

from __future__ import annotations

import contextlib
import io
import json
import time
import uuid
from collections.abc import Callable, Iterator
from string import Template
from typing import Any

import boto3
import jmespath
import numpy as np
import pandas as pd
from botocore.exceptions import ClientError

from penstock_services.containers.clarify.configuration import Analysis, ConfigurationError

_BATCH = 1000
_WAIT_SECONDS = 900.0


class PredictionError(ValueError):
    """The model could not be asked, or its answer cannot be read."""


class Predictor:
    """``predict(frame)`` for one endpoint and the formats that the configuration names."""

    def __init__(self, endpoint: str, analysis: Analysis, client: Any = None) -> None:
        self._endpoint = endpoint
        self._options = analysis.predictor
        self._content = self._options.get("content_type") or _default_type(analysis)
        self._accept = self._options.get("accept_type") or self._content
        self._client = client or boto3.client("sagemaker-runtime")

    def predict(self, features: pd.DataFrame) -> pd.DataFrame:
        """What the model answers, a row for each row of ``features``; columns by their number, or by label_headers."""
        parts = [self._ask(features.iloc[start : start + _BATCH]) for start in range(0, len(features), _BATCH)]
        answered = pd.concat(parts, ignore_index=True)
        if len(answered) != len(features):
            message = f"the model answered {len(answered)} rows to {len(features)}"
            raise PredictionError(message)
        return answered

    def scores(self, features: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Numbers to explain, one column for each output of the model."""
        chosen = self._options.get("probability", self._options.get("label"))
        answered = self.predict(features)
        if isinstance(chosen, int):
            answered = answered[[answered.columns[chosen]]]
        return answered.to_numpy(float)

    def labels(self, features: pd.DataFrame, threshold: float, positive: list[Any]) -> pd.Series[Any]:
        """The predicted labels: those that the model answers, or its probabilities held against ``threshold``."""
        answered = self.predict(features)
        label = self._options.get("label")
        if isinstance(label, int):
            return answered[answered.columns[label]]
        probability = self._options.get("probability")
        column = answered[answered.columns[probability if isinstance(probability, int) else 0]]
        if isinstance(label, str) or not _is_probability(column):
            return column
        yes = positive[0] if positive else 1
        return pd.Series(np.where(column.to_numpy(float) > threshold, yes, _other(yes)), name="prediction")

    def _ask(self, features: pd.DataFrame) -> pd.DataFrame:
        try:
            answer = self._client.invoke_endpoint(
                EndpointName=self._endpoint, ContentType=self._content, Accept=self._accept, Body=self._body(features)
            )
        except ClientError as error:
            message = f"the endpoint {self._endpoint} refused a request: {error}"
            raise PredictionError(message) from error
        return self._read(answer["Body"].read().decode(), (answer.get("ContentType") or self._accept))

    def _body(self, features: pd.DataFrame) -> str:
        if self._content == "text/csv":
            return features.to_csv(index=False, header=False)
        if self._content == "application/jsonlines":
            template = self._options.get("content_template")
            if not template:
                message = "predictor.content_template is needed for application/jsonlines"
                raise ConfigurationError(message)
            rows = features.to_numpy().tolist()
            return "\n".join(Template(template).safe_substitute(features=json.dumps(row)) for row in rows)
        message = f"predictor.content_type {self._content} is not one of text/csv, application/jsonlines"
        raise ConfigurationError(message)

    def _read(self, text: str, content_type: str) -> pd.DataFrame:
        kind = content_type.split(";")[0].strip()
        try:
            if kind == "text/csv":
                return pd.read_csv(io.StringIO(text), header=None)
            documents = [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError as error:
            message = f"the model's answer is not {kind}: {text[:200]!r}"
            raise PredictionError(message) from error
        path = self._options.get("probability") or self._options.get("label")
        found = [jmespath.search(path, each) if isinstance(path, str) else each for each in documents]
        if kind == "application/json" and len(found) == 1 and isinstance(found[0], list):
            found = found[0]
        return pd.DataFrame([each if isinstance(each, list) else [each] for each in found])


@contextlib.contextmanager
def predictor(analysis: Analysis) -> Iterator[Predictor]:
    """The endpoint that the configuration names, or a shadow endpoint of its model for as long as this lasts."""
    named = analysis.predictor.get("endpoint_name")
    if named and not analysis.model_name:
        yield Predictor(named, analysis)
        return
    client = boto3.client("sagemaker")
    prefix = analysis.predictor.get("endpoint_name_prefix") or "sm-clarify"
    name = f"{prefix}-{uuid.uuid4().hex[:12]}"
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": analysis.model_name,
        "InitialInstanceCount": int(analysis.predictor.get("initial_instance_count", 1)),
        "InstanceType": analysis.predictor.get("instance_type", "ml.m5.large"),
    }
    try:
        client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        client.create_endpoint(EndpointName=name, EndpointConfigName=name)
        _wait(client, name)
        yield Predictor(name, analysis)
    except ClientError as error:
        message = f"the model {analysis.model_name} cannot be served: {error}"
        raise PredictionError(message) from error
    finally:
        deletions: list[Callable[[], Any]] = [
            lambda: client.delete_endpoint(EndpointName=name),
            lambda: client.delete_endpoint_config(EndpointConfigName=name),
        ]
        for delete in deletions:
            with contextlib.suppress(ClientError):
                delete()


def _wait(client: Any, name: str) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        described = client.describe_endpoint(EndpointName=name)
        if described["EndpointStatus"] == "InService":
            return
        if described["EndpointStatus"] == "Failed":
            message = f"the shadow endpoint failed: {described.get('FailureReason', 'no reason given')}"
            raise PredictionError(message)
        time.sleep(0.3)
    message = "the shadow endpoint was not in service in time"
    raise PredictionError(message)


def _default_type(analysis: Analysis) -> str:
    return "application/jsonlines" if analysis.dataset_type == "application/jsonlines" else "text/csv"


def _is_probability(column: pd.Series[Any]) -> bool:
    numbers = pd.to_numeric(column, errors="coerce")
    return bool(numbers.notna().all() and numbers.between(0, 1).all())


def _other(positive: Any) -> Any:
    return 0 if isinstance(positive, int | float) else f"not {positive}"
