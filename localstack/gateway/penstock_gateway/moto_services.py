"""APIs that LocalStack lacks and moto serves well enough, exposed from the moto that LocalStack ships.

They keep records (repositories, databases, budgets, ...); none of them runs anything. Athena is not among the tables'
readers: queries come with the data services.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

APIS = (
    "amp",
    "appconfig",
    "application-autoscaling",
    "athena",
    "autoscaling",
    "backup",
    "batch",
    "budgets",
    "ce",
    "codebuild",
    "codecommit",
    "cognito-identity",
    "cognito-idp",
    "ecr",
    "ecs",
    "efs",
    "eks",
    "elasticache",
    "emr-serverless",
    "glue",
    "guardduty",
    "lakeformation",
    "macie2",
    "organizations",
    "rds",
    "s3tables",
    "s3vectors",
    "servicediscovery",
)

COMPLETED = {
    "application-autoscaling": ("penstock_gateway.scaling_tags",),
    "athena": ("penstock_gateway.athena_workgroups",),
    "budgets": ("penstock_gateway.budgets", "penstock_gateway.budget_actions"),
    "emr-serverless": ("penstock_gateway.emr_serverless",),
    "glue": ("penstock_gateway.glue_iceberg", "penstock_gateway.glue_quality"),
}
"""APIs some of whose operations are ours, and the modules that have them (`HANDLERS`, by operation; later ones win)."""


def factory_name(api: str) -> str:
    """The name under which this module holds the plug-in of `api`."""
    return "provide_" + api.replace("-", "_")


def _plugin(api: str) -> Any:
    from localstack.services.plugins import aws_provider

    def create() -> Any:
        from localstack.aws.skeleton import Skeleton
        from localstack.aws.spec import load_service
        from localstack.services.moto import _proxy_moto
        from localstack.services.plugins import Service

        model = load_service(api)
        handlers: dict[str, Callable[..., Any]] = dict.fromkeys(model.operation_names, _proxy_moto)
        for module in COMPLETED.get(api, ()):
            handlers |= importlib.import_module(module).HANDLERS
        return Service(api, skeleton=Skeleton(model, handlers))

    create.__name__ = factory_name(api)
    return aws_provider(api=api)(create)


def __getattr__(name: str) -> Any:
    """Make the plug-in `provide_<api>` when LocalStack loads its entry point."""
    for api in APIS:
        if factory_name(api) == name:
            plugin = _plugin(api)
            globals()[name] = plugin
            return plugin
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
