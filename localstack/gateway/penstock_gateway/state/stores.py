"""Which objects hold a service's state, taken out for keeping and put back in."""

from __future__ import annotations

import importlib
import logging
from typing import Any

from localstack.services.stores import AccountRegionBundle
from moto.backends import get_backend
from moto.core.base_backend import BackendDict

from penstock_gateway.state import pickling, reducers

LOG = logging.getLogger(__name__)

LOCALSTACK_MODELS = {
    "cloudformation": "localstack.services.cloudformation.stores:cloudformation_stores",
    "cloudwatch": "localstack.services.cloudwatch.models:cloudwatch_stores",
    "events": "localstack.services.events.models:events_stores",
    "firehose": "localstack.services.firehose.models:firehose_stores",
    "kms": "localstack.services.kms.models:kms_stores",
    "lambda": "localstack.services.lambda_.invocation.models:lambda_stores",
    "logs": "localstack.services.logs.models:logs_stores",
    "sns": "localstack.services.sns.models:sns_stores",
    "sqs": "localstack.services.sqs.models:sqs_stores",
    "stepfunctions": "localstack.services.stepfunctions.backend.store:sfn_stores",
    "sts": "localstack.services.sts.models:sts_stores",
}
"""Service -> the stores that LocalStack's own providers keep."""

MOTO = frozenset(
    {
        "config", "ec2", "events", "iam", "logs", "redshift", "resource-groups", "route53", "scheduler",
        "secretsmanager", "ses", "ssm", "sts", "support", "swf", "transcribe",
    }
)  # fmt: skip
"""Services of LocalStack that moto's backends hold (some besides stores of LocalStack's own)."""

ELSEWHERE = frozenset({"s3", "resourcegroupstaggingapi"})
"""Kept by a journal of its own; holds nothing of its own."""

NOT_KEPT = {
    "acm": "its private keys are not written",
    "apigateway": "its routers are not made again",
    "dynamodb": "it needs a Java program, which the local cloud does not start",
    "dynamodbstreams": "it needs a Java program, which the local cloud does not start",
    "es": "it needs a search engine, which the local cloud does not start",
    "kinesis": "it needs a program of its own, which the local cloud does not start",
    "opensearch": "it needs a search engine, which the local cloud does not start",
    "rds": "its databases are not made again",
}
"""Services whose state ends with the gateway, and why."""


def why_not(service: str) -> str:
    """Why a service's state is not kept."""
    return NOT_KEPT.get(service, "nothing of the kit uses it")


def _backends(service: str) -> BackendDict[Any] | None:
    from penstock_gateway.moto_services import APIS

    if service not in MOTO and service not in APIS:
        return None
    return get_backend(service)


def _bundle(service: str) -> AccountRegionBundle[Any] | None:
    place = LOCALSTACK_MODELS.get(service)
    if place is None:
        return None
    module, name = place.split(":")
    bundle: AccountRegionBundle[Any] = getattr(importlib.import_module(module), name)
    pickling.know(bundle.service_name, bundle)
    return bundle


class ServiceState:
    """All that one service holds, in every account and region."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.bundle = _bundle(service)
        self.backends = _backends(service)

    @property
    def is_kept(self) -> bool:
        """Whether there is anything here that can be kept."""
        return self.service not in NOT_KEPT and (self.bundle is not None or self.backends is not None)

    def dumps(self) -> bytes:
        """Everything, as bytes."""
        return pickling.dumps({"stores": self._stores(), "backends": self._backends()})

    def _stores(self) -> dict[str, Any] | None:
        if self.bundle is None:
            return None
        accounts = {}
        for account, regions in list(self.bundle.items()):
            accounts[account] = {
                "global": regions._global,
                "regions": {
                    region: {name: value for name, value in store.__dict__.items() if name.startswith("attr_")}
                    for region, store in list(regions.items())
                },
            }
        return {"universal": self.bundle._universal, "accounts": accounts}

    def _backends(self) -> dict[str, dict[str, dict[str, Any]]] | None:
        if self.backends is None:
            return None
        trim, _ = reducers.TRIMMING.get(self.service, (dict, None))
        return {
            account: {region: trim(dict(backend.__dict__)) for region, backend in list(dict.items(regions))}
            for account, regions in list(self.backends.items())
        }

    def loads(self, data: bytes) -> None:
        """Make this process's stores hold what `dumps` found."""
        kept = pickling.loads(data)
        if self.bundle is not None and kept["stores"]:
            self.bundle._universal.update(kept["stores"]["universal"])
            for account, held in kept["stores"]["accounts"].items():
                regions = self.bundle[account]
                regions._global.update(held["global"])
                for region, attributes in held["regions"].items():
                    regions[region].__dict__.update(attributes)
        if self.backends is not None and kept["backends"]:
            for account, by_region in kept["backends"].items():
                for region, attributes in by_region.items():
                    backend = self.backends[account][region]
                    if self.service in reducers.TRIMMING:
                        reducers.TRIMMING[self.service][1](backend, attributes)
                    backend.__dict__.update(attributes)
