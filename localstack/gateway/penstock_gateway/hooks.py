"""What runs inside LocalStack before it serves."""

from __future__ import annotations

from localstack.runtime import hooks


@hooks.on_infra_start()
def on_start() -> None:
    """Put our handler first in the chain of every request."""
    from localstack.aws.handlers import preprocess_request

    from penstock_gateway import forward, settings

    preprocess_request.append(forward.Forwarder(settings.from_environment().services_url))
