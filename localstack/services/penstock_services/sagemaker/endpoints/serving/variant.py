"""One variant of an endpoint: its model, and the instances that serve it."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from penstock_services.execution import sandbox, transfer
from penstock_services.execution.images import Image, UnknownImageError, find
from penstock_services.execution.logs import LogStream
from penstock_services.execution.sandbox import Layout
from penstock_services.operations import Context
from penstock_services.sagemaker.endpoints.plan import LEAST_OUTSTANDING, VariantPlan, new_instance
from penstock_services.sagemaker.endpoints.serving.server import Instance


class DeploymentFailedError(Exception):
    """A variant did not come up; the text is the endpoint's FailureReason."""


class Variant:
    """The instances of one variant.

    ``logged`` says in the reasons of failures whose logs there are.
    """

    logged = "endpoint"

    def __init__(self, context: Context, endpoint: str, plan: VariantPlan, folder: Path) -> None:
        self.plan = plan
        self.weight = plan.weight
        self.instances: list[Instance] = []
        self.context = context
        self.endpoint = endpoint
        self._folder = folder
        self._layout = Layout(sandbox.mode(), folder / "ml")
        self._turn = 0
        self._image: Image | None = None

    @property
    def title(self) -> str:
        """What it is, in the reasons of failures."""
        return f"production variant {self.plan.name}"

    @property
    def machines(self) -> int:
        """The number of instances that it runs on."""
        return len(self.instances)

    def bring_up(self) -> None:
        """Have as many instances as planned. Raises DeploymentFailedError."""
        self.start(self.plan.instances)

    def start(self, count: int) -> None:
        """Have ``count`` instances running; returns when all are healthy. Raises DeploymentFailedError."""
        try:
            self._image = find(self.context.settings.state_dir, self.plan.image)
            self._fetch()
        except (UnknownImageError, transfer.TransferError) as error:
            message = f"{self.title[0].upper()}{self.title[1:]}: {error}"
            raise DeploymentFailedError(message) from None
        fresh = []
        for _ in range(count - len(self.instances)):
            folder = self._folder / f"instance-{uuid.uuid4().hex[:8]}"
            instance = Instance(self.context, self._log(folder), self.plan, self._image, self._layout, folder)
            fresh.append(instance)
            instance.start()
        for instance in fresh:
            while not instance.healthy.wait(0.05):
                if instance.failed is not None:
                    raise self._failure(instance, fresh)
        self.instances = [*self.instances, *fresh]

    def _log(self, folder: Path) -> LogStream:
        """Where a new instance's output goes."""
        group = f"/aws/sagemaker/Endpoints/{self.endpoint}"
        return LogStream(self.context, group, f"{self.plan.name}/{new_instance()}", folder / "log.txt")

    def _failure(self, instance: Instance, fresh: list[Instance]) -> DeploymentFailedError:
        said = "\n".join(instance.log.last_lines(5))
        reason = instance.failed
        for each in fresh:
            each.stop()
        return DeploymentFailedError(
            f"The primary container for {self.title} did not pass the ping health check: "
            f"{reason}. Please check CloudWatch logs for this {self.logged}. Last lines:\n{said}"
        )

    def _fetch(self) -> None:
        """The model below /opt/ml/model, once."""
        model = self._layout.path("/opt/ml/model")
        done = self._folder / "model-complete"
        if done.exists():
            return
        shutil.rmtree(model, ignore_errors=True)
        model.mkdir(parents=True)
        if self.plan.model_data:
            client = self.context.client("s3")
            if self.plan.archive:
                archive = self._folder / "archive"
                transfer.download(client, self.plan.model_data, archive)
                for path in archive.iterdir():
                    transfer.unpack(path, model)
                shutil.rmtree(archive)
            else:
                transfer.download(client, self.plan.model_data, model)
        done.touch()

    def shrink(self, count: int) -> None:
        """Stop instances beyond ``count``."""
        kept, surplus = self.instances[:count], self.instances[count:]
        self.instances = kept
        for instance in surplus:
            instance.stop()

    def choose(self) -> Instance | None:
        """A healthy instance: in turn, or the one with the fewest requests where the variant is routed so."""
        healthy = [instance for instance in self.instances if instance.healthy.is_set()]
        if not healthy:
            return None
        self._turn = (self._turn + 1) % len(healthy)
        if self.plan.routing == LEAST_OUTSTANDING:
            return min(healthy[self._turn :] + healthy[: self._turn], key=lambda instance: instance.in_flight)
        return healthy[self._turn]

    def wake(self) -> None:
        """A request waits for an instance: nothing to be done where there is always one, or soon again."""

    def stop(self) -> list[Instance]:
        """End whatever works for the variant; the instances that are to be stopped."""
        instances, self.instances = self.instances, []
        return instances

    def forget(self) -> None:
        """Remove the model's files."""
        shutil.rmtree(self._folder / "ml", ignore_errors=True)
        (self._folder / "model-complete").unlink(missing_ok=True)
