"""The copies of one revision of an inference component: server processes, each in its room on an instance."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from penstock_services.execution.logs import LogStream
from penstock_services.operations import Context
from penstock_services.sagemaker.endpoints.components.placement import Host, Place
from penstock_services.sagemaker.endpoints.components.specification import Specification
from penstock_services.sagemaker.endpoints.serving.server import Instance
from penstock_services.sagemaker.endpoints.serving.variant import Variant


class Copies(Variant):
    """Copies of one model. ``places`` are where they are, in the order of ``instances``, their servers."""

    logged = "inference component"

    def __init__(
        self, context: Context, endpoint: str, component: str, host: Host, specification: Specification, folder: Path
    ) -> None:
        super().__init__(context, endpoint, specification.plan, folder)
        self.places: list[Place] = []
        self._component = component
        self._host = host
        self.specification = specification
        self._coming: list[Place] = []

    @property
    def title(self) -> str:
        """What it is, in the reasons of failures."""
        return f"inference component {self._component}"

    @property
    def machines(self) -> int:
        """The number of instances that it runs on."""
        return len(self._host.plan.instances)

    def have(self, count: int) -> None:
        """Be that many copies, all healthy. Raises NoCapacityError and DeploymentFailedError, and changes nothing
        then."""
        more = count - len(self.places)
        if more > 0:
            need, pack = self.specification.need, self.specification.pack
            self.start_on(self._host.place(need, more, self.places, pack=pack))
        else:
            self.shrink(count)

    def start_on(self, places: list[Place]) -> None:
        """Be more copies, in that room, which is given back where they do not start. Raises DeploymentFailedError."""
        self._coming = list(places)
        try:
            self.start(len(self.instances) + len(places))
        except BaseException:
            self._host.release(places)
            raise
        self.places += places

    def _log(self, folder: Path) -> LogStream:
        stream = f"{self.plan.name}/{self._coming.pop(0).instance}/{uuid4().hex[:12]}"
        return LogStream(
            self.context, f"/aws/sagemaker/InferenceComponents/{self._component}", stream, folder / "log.txt"
        )

    def shrink(self, count: int) -> None:
        """Stop copies beyond ``count``, and give their room back."""
        super().shrink(count)
        kept, surplus = self.places[:count], self.places[count:]
        self.places = kept
        self._host.release(surplus)

    def stop(self) -> list[Instance]:
        """No copies any more; the servers that are to be stopped."""
        self._host.release(self.places)
        self.places = []
        return super().stop()
