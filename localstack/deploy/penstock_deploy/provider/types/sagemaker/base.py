"""What SageMaker's kinds have in common: naming, missing things, waiting."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from penstock_deploy.plugins.interface import ProviderError
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.resource_type import absent
from penstock_deploy.provider.shaped_type import ShapedType
from penstock_deploy.provider.tagging import Tagging
from penstock_deploy.values import Properties

POLL_SECONDS = 0.5
TAGGING = Tagging("sagemaker", arn="ResourceArn", tag="AddTags", untag="DeleteTags", list="ListTags")


class SageMakerType(ShapedType):
    """A kind of SageMaker's control plane."""

    service = "sagemaker"
    tagging = TAGGING
    taggable = True
    outputs = "arn"
    missing = ("ResourceNotFound", "ResourceNotFoundException")

    def describe(self, aws: Aws, id_: str) -> dict[str, Any] | None:
        """SageMaker says `ValidationException: Could not find ...` for some kinds and `ResourceNotFound` for others."""
        return self.forgiving(lambda: ShapedType.describe(self, aws, id_))

    def described(self, aws: Aws, request: dict[str, Any]) -> dict[str, Any] | None:
        """The description that a request asks for; None when the thing is gone."""
        return self.forgiving(lambda: aws.call(self.service, self.read_operation, request))

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        self.forgiving(lambda: ShapedType.delete(self, aws, id_, inputs))

    def forgiving[T](self, call: Callable[[], T]) -> T | None:
        """The call's result; None when SageMaker says, in any of its ways, that the thing does not exist."""
        from botocore.exceptions import ClientError

        try:
            return absent(call, *self.missing)
        except ClientError as error:
            if says_missing(error):
                return None
            raise

    def wait(
        self, aws: Aws, id_: str, done: Callable[[dict[str, Any] | None], bool], status: str
    ) -> dict[str, Any] | None:
        """Poll the description until `done`; its last form. Raises when the deployment stops or patience ends."""
        patience = aws.timeout or self.patience
        limit = time.monotonic() + patience
        while True:
            found = self.describe(aws, id_)
            if done(found):
                return found
            now = (found or {}).get(status, "gone")
            if time.monotonic() > limit:
                raise ProviderError(f"{id_} is still {now} after {patience:.0f} s")
            if aws.stopping.wait(POLL_SECONDS):
                raise ProviderError(f"stopped waiting for {id_}, which is {now}")


def says_missing(error: Any) -> bool:
    """Whether an error of SageMaker's says that the thing does not exist."""
    answer = error.response.get("Error", {})
    message = str(answer.get("Message", "")).lower()
    words = ("could not find", "does not exist", "not found", "cannot find")
    return answer.get("Code") == "ValidationException" and any(word in message for word in words)


def failure(kind: SageMakerType, id_: str, found: dict[str, Any] | None, status: str) -> ProviderError:
    """The error of a thing that came to rest where it should not, with the reason that AWS gave."""
    reason = (found or {}).get("FailureReason") or "no reason was given"
    state = (found or {}).get(status, "gone")
    return ProviderError(f"{kind.pulumi_type.rsplit(':', 1)[-1]} {id_} is {state}: {reason}")
