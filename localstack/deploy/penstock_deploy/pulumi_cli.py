"""Pulumi's own CLI on the local cloud: the environment it runs in, with this kit's provider in place of the real one.

The provider is installed as `resource-aws-v<version>` in a PULUMI_HOME of its own, where the CLI finds it without a word in
the project, and from where it cannot reach a deployment to AWS.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from penstock_deploy import target as targets
from penstock_deploy.errors import DeploymentError, UnsupportedError
from penstock_deploy.provider import VERSION

_PLUGIN = f"resource-aws-v{VERSION}"
_LAUNCHER = "pulumi-resource-aws"
_SETTINGS = {
    # Nothing is asked of the network, and no plugin is taken from PATH or downloaded in the provider's place.
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
    "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
    # A provider that somebody runs by hand would go before the installed one. Said empty rather than left out: Pulumi's
    # Automation API adds these variables to those of its own process.
    "PULUMI_DEBUG_PROVIDERS": "",
}


def find(environment: Mapping[str, str]) -> Path:
    """The `pulumi` command on the environment's PATH.

    Raises:
        DeploymentError: there is none.
    """
    found = shutil.which("pulumi", path=environment.get("PATH"))
    if found is None:
        raise DeploymentError(
            "the pulumi command is not on PATH, and --engine pulumi runs it",
            "Install it (https://www.pulumi.com/docs/install/), or leave out --engine: the local engine runs the same "
            "program and writes the same state.",
        )
    return Path(found)


def install_provider(home: Path, python: Path | None = None) -> Path:
    """Make this kit's provider the plugin `aws` of a PULUMI_HOME; the plugin's folder. Doing it again changes nothing."""
    folder = home / "plugins" / _PLUGIN
    folder.mkdir(parents=True, exist_ok=True)
    # -P: the CLI starts plugins in the project's folder, whose modules are not the provider's.
    command = f"{shlex.quote(str(python or sys.executable))} -P -m penstock_deploy.provider"
    text = f'#!/bin/sh\nexec {command} "$@"\n'
    launcher = folder / _LAUNCHER
    if not launcher.is_file() or launcher.read_text(encoding="utf-8") != text:
        temporary = folder / f".{_LAUNCHER}.{os.getpid()}"
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(0o755)
        temporary.replace(launcher)
    return folder


def environment(cloud: Mapping[str, str], home: Path) -> dict[str, str]:
    """The environment in which `pulumi` deploys to the local cloud that `cloud` names (as `penstock cloud env` prints it).

    `home` is the private PULUMI_HOME, made here.

    Raises:
        DeploymentError: there is no `pulumi`, or the environment names anything but the local cloud.
    """
    targets.from_environment(cloud)
    backend = cloud.get("PULUMI_BACKEND_URL", "")
    if not backend.startswith("file://"):
        raise UnsupportedError(f"backend {backend!r}", "The local cloud keeps states in files: file://<folder>.")
    find(cloud)
    install_provider(home)
    Path(backend.removeprefix("file://")).mkdir(parents=True, exist_ok=True)
    return {**cloud, **_SETTINGS, "PULUMI_HOME": str(home)}
