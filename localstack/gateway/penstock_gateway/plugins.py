"""Which plug-ins LocalStack loads.

LocalStack finds its parts through entry points of installed distributions, cached in a file of the user's home. This
package is not installed as a distribution in the gateway's environment, so it hands LocalStack an index made in
memory: LocalStack's own entry points, less what has no place on a laptop without Docker and network, plus ours.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, distribution

from plux.runtime.cache import EntryPointsCache
from plux.runtime.metadata import EntryPointsResolver

from penstock_gateway.moto_services import APIS, factory_name

PROVIDERS = "localstack.aws.provider"
ON_START = "localstack.hooks.on_infra_start"
ON_SHUTDOWN = "localstack.hooks.on_infra_shutdown"
LAMBDA_EXECUTORS = "localstack.lambda.runtime_executor"

LEFT_OUT: dict[str, frozenset[str]] = {
    ON_START: frozenset(
        {
            "_publish_config_as_analytics_event",
            "_publish_container_info",
            "conditionally_enable_debugger",
            "delete_cached_certificate",
            "deprecation_warnings",
            "setup_dns_configuration_on_host",
            "start_dns_server",
            "register_swagger_endpoints",
            "validate_configuration",
        }
    ),
    ON_SHUTDOWN: frozenset({"publish_metrics", "stop_server"}),
}
"""Hooks that report usage, serve DNS, or look for Docker."""

OWN: dict[str, dict[str, str]] = {
    ON_START: {"penstock_gateway": "penstock_gateway.hooks:on_start"},
    ON_SHUTDOWN: {"penstock_gateway": "penstock_gateway.hooks:on_shutdown"},
    LAMBDA_EXECUTORS: {"process": "penstock_gateway.functions.executor:ProcessExecutorPlugin"},
    PROVIDERS: {
        "s3:default": "penstock_gateway.providers:s3",
        "cloudwatch:default": "penstock_gateway.providers:cloudwatch",
        "events:default": "penstock_gateway.providers:events",
        "lambda:default": "penstock_gateway.providers:lambda_",
        "scheduler:default": "penstock_gateway.providers:scheduler",
        "stepfunctions:default": "penstock_gateway.providers:stepfunctions",
        **{f"{api}:default": f"penstock_gateway.moto_services:{factory_name(api)}" for api in APIS},
    },
}
"""Our entry points; one of the same name in LocalStack is replaced."""


class Index(EntryPointsResolver):
    """LocalStack's entry points with ours, by group."""

    def __init__(self) -> None:
        groups: dict[str, dict[str, EntryPoint]] = {}
        for entry_point in distribution("localstack-core").entry_points:
            if entry_point.name not in LEFT_OUT.get(entry_point.group, frozenset()):
                groups.setdefault(entry_point.group, {})[entry_point.name] = entry_point
        for group, own in OWN.items():
            for name, value in own.items():
                groups.setdefault(group, {})[name] = EntryPoint(name=name, value=value, group=group)
        self._groups = {group: list(named.values()) for group, named in groups.items()}

    def get_entry_points(self) -> dict[str, list[EntryPoint]]:
        """All entry points by group."""
        return self._groups


def install() -> None:
    """Make LocalStack use our index. Call it before anything of LocalStack is imported."""
    EntryPointsCache._instance = Index()
