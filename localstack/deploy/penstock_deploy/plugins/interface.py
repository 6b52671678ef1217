"""What the engine asks of a resource provider. The words are those of Pulumi's provider protocol."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from penstock_deploy.errors import DeploymentError
from penstock_deploy.values import Properties

ADD, ADD_REPLACE, DELETE, DELETE_REPLACE, UPDATE, UPDATE_REPLACE = range(6)


@dataclass(frozen=True)
class Naming:
    """How `pulumi:autonaming` names a resource: with `proposed`, which the provider may adapt unless it is enforced.

    Nothing proposed means that the program has to name it. `delete_before_replace`: two of one name cannot be at once.
    """

    proposed: str
    enforced: bool = False
    delete_before_replace: bool = False


@dataclass(frozen=True)
class Subject:
    """The resource that a call is about. `timeout` is in seconds; 0 means the provider's own, as does no `naming`."""

    urn: str
    type: str
    name: str
    timeout: float = 0.0
    naming: Naming | None = None


@dataclass
class Diff:
    """How wanted inputs differ from those in effect: `detailed` maps property paths to kinds of change (ADD...)."""

    changes: bool = False
    replaces: list[str] = field(default_factory=list)
    detailed: dict[str, int] = field(default_factory=dict)
    delete_before_replace: bool = False


@dataclass
class Reading:
    """A resource read back: id, inputs as they would produce it, outputs."""

    id: str
    inputs: Properties
    outputs: Properties


class ProviderError(DeploymentError):
    """A call of the provider failed; the message is AWS's own, or the provider's."""


class InitializationError(ProviderError):
    """The resource exists now, but did not become what was asked: its state is kept, the step has failed."""

    def __init__(self, message: str, id_: str, outputs: Properties, inputs: Properties | None = None) -> None:
        super().__init__(message)
        self.id = id_
        self.outputs = outputs
        self.inputs = inputs


class Provider(Protocol):
    """A configured provider. All calls may come from several threads at once and raise ProviderError."""

    def check(self, subject: Subject, olds: Properties, news: Properties, seed: bytes) -> Properties:
        """Validate inputs and fill in defaults and names. `olds` are the previous inputs, empty for a new resource."""

    def diff(
        self,
        subject: Subject,
        id_: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
        ignore_changes: list[str],
    ) -> Diff:
        """Compare checked inputs with those in effect."""

    def create(self, subject: Subject, inputs: Properties, *, preview: bool) -> tuple[str, Properties]:
        """Make the resource; its id and outputs. In a preview nothing is made: id empty, computed outputs unknown."""

    def read(self, subject: Subject, id_: str, inputs: Properties, outputs: Properties) -> Reading | None:
        """The resource as it is now; None when it is gone. With empty `inputs` this is a look-up by id."""

    def find(self, subject: Subject, inputs: Properties) -> Reading | None:
        """The resource that a creation with these inputs, of unknown outcome, has left; None when it left nothing."""

    def update(
        self,
        subject: Subject,
        id_: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
        ignore_changes: list[str],
        *,
        preview: bool,
    ) -> Properties:
        """Change the resource in place; its outputs."""

    def delete(self, subject: Subject, id_: str, inputs: Properties, outputs: Properties) -> None:
        """Delete the resource; no error when it is gone."""

    def invoke(self, token: str, arguments: Properties, *, preview: bool) -> Properties:
        """Call a function of the provider."""

    def cancel(self) -> None:
        """Let waits end soon: the deployment is stopping."""

    def close(self) -> None:
        """Give up what the provider holds."""
