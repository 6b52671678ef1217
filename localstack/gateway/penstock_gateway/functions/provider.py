"""LocalStack's Lambda, refusing by name what no process of this machine can run."""

from __future__ import annotations

from typing import Any

from localstack.aws.api import CommonServiceException, handler
from localstack.services.lambda_.invocation.models import lambda_stores
from localstack.services.lambda_.provider import LambdaProvider

from penstock_gateway.functions import updates
from penstock_gateway.functions.interpreters import RUNTIMES


def refused(what: str) -> CommonServiceException:
    """The error of a function that would never run."""
    message = (
        f"{what} is not implemented by Penstock's local Lambda, which runs zip archives on {' and '.join(RUNTIMES)}. "
        "It is refused rather than accepted and never run."
    )
    return CommonServiceException("NotImplementedException", message, status_code=501, sender_fault=True)


class ProcessLambdaProvider(LambdaProvider):
    """Functions of other runtimes and container images are refused when they are made."""

    def on_after_state_load(self) -> None:
        """Start the functions that were loaded, each with what its queue still holds."""
        stores = [store for _, _, store in lambda_stores.iter_stores()]
        with updates.same_queues(function for store in stores for function in store.functions.values()):
            super().on_after_state_load()

    def _validate_runtime(self, package_type: Any, runtime: Any) -> None:
        super()._validate_runtime(package_type, runtime)
        if package_type == "Image":
            raise refused("A function of package type Image")
        if runtime not in RUNTIMES:
            raise refused(f"The runtime {runtime}")

    @handler(operation="UpdateFunctionConfiguration", expand=False)
    def update_function_configuration(self, context: Any, request: Any) -> Any:
        """Change a function; its runtime may become another one that is run."""
        if "Runtime" in request:
            self._validate_runtime("Zip", request["Runtime"])
        return super().update_function_configuration(context, request)
