"""Finding the provider of a package: the AWS provider of this kit, in this process or in one of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from penstock_deploy.errors import UnsupportedError
from penstock_deploy.plugins.interface import Provider
from penstock_deploy.target import Target
from penstock_deploy.values import Properties

DYNAMIC = "pulumi-python"
"""The package of the dynamic providers that a Python program brings along."""


class Plugins:
    """Makes configured providers. PENSTOCK_PROVIDER=process runs each in a process of its own, over gRPC.

    The provider runs in the engine's process otherwise: the same code without a second interpreter, which would cost
    another half second of imports a deployment.
    """

    def __init__(
        self,
        target: Target,
        environment: Mapping[str, str],
        other: Callable[[str, str, Properties], Provider] | None = None,
        folder: Path | None = None,
        python: Path | None = None,
        project: str = "",
    ) -> None:
        self._folder = folder
        self._python = python
        self._project = project
        self._other = other
        self._target = target
        self._environment = environment
        self._apart = environment.get("PENSTOCK_PROVIDER", "") == "process"

    def warm(self) -> None:
        """Import what the provider needs while the program is importing too."""
        if self._apart or self._other is not None:
            return
        from penstock_deploy.provider.clients import shared

        threading.Thread(target=shared(self._target).warm, name="warm", daemon=True).start()

    def load(self, package: str, version: str, configuration: Properties) -> Provider:
        """A configured provider of a package."""
        if self._other is not None:
            return self._other(package, version, configuration)
        if package == DYNAMIC and self._python is not None and self._folder is not None:
            from penstock_deploy.plugins.dynamic import DynamicProviders

            return DynamicProviders(self._python, self._environment, self._folder, self._project, configuration)
        if package != "aws":
            raise UnsupportedError(
                f"the package {package!r} ({version or 'any version'})", "Only aws and dynamic providers are there."
            )
        if self._apart:
            from penstock_deploy.plugins.process import ProviderProcess

            return ProviderProcess(self._target, self._environment, configuration, self._folder)
        from penstock_deploy.provider.core import AwsProvider

        return AwsProvider(self._target, configuration, self._folder)
