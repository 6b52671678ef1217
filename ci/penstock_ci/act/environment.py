"""The environment of a local workflow run: as little of the machine's own as can be.

act hands its whole environment to every step. So it is started with a clean one: a path on which the tools are, a home
of its own, the local cloud's variables, and nothing of the user's AWS profile, tokens or shell.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

PASSED_ON = (
    # Where tools keep what they may reuse, and how they reach a package registry.
    "LANG",
    "LC_ALL",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "PENSTOCK_CACHE_DIR",
)
PASSED_ON_PREFIXES = ("UV_", "PIP_")
SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")


def _uv_cache(environment: Mapping[str, str]) -> Path:
    """uv's own rule for the place of its cache."""
    if environment.get("UV_CACHE_DIR"):
        return Path(environment["UV_CACHE_DIR"])
    base = environment.get("XDG_CACHE_HOME") or str(Path(environment.get("HOME") or "~").expanduser() / ".cache")
    return Path(base) / "uv"


def _kit_cache(environment: Mapping[str, str]) -> Path:
    if environment.get("PENSTOCK_CACHE_DIR"):
        return Path(environment["PENSTOCK_CACHE_DIR"])
    return Path(environment.get("HOME") or "~").expanduser() / ".cache" / "penstock"


def scrubbed(folder: Path, cloud: Mapping[str, str], base: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment act is started with.

    Args:
        folder: The run's own folder; home and caches of act go there, so that runs do not meet.
        cloud: The local cloud's variables (`penstock_cloud.environment`).
        base: The environment to choose from; default this process's.
    """
    base = os.environ if base is None else base
    chosen = {name: value for name, value in base.items() if name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)}
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    path = [entry for entry in SYSTEM_PATH if Path(entry).is_dir()]
    return (
        chosen
        | dict(cloud)
        | {
            "HOME": str(home),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "PATH": os.pathsep.join([str(tools(folder / "tools")), *path]),
            "UV_CACHE_DIR": str(_uv_cache(base)),
            "PENSTOCK_CACHE_DIR": str(_kit_cache(base)),
            "DOCKER_HOST": "unix:///nonexistent",  # host mode: act is not to look for a daemon
            "CI": "true",
            "TERM": "dumb",  # act gives steps a terminal; GitHub does not
            "NO_COLOR": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
        }
    )


def tools(chosen: Path) -> Path:
    """Fill a folder with the uv and the Python that we run with, and nothing else of ours; returns it.

    A uv on PATH may be a version manager's shim that fails elsewhere, and the system may have no Python that is new enough.
    """
    chosen.mkdir(parents=True, exist_ok=True)
    base_python = Path(getattr(sys, "_base_executable", None) or sys.executable).resolve()
    for name, target in {
        "uv": Path(sys.executable).parent / "uv",
        f"python{sys.version_info.major}.{sys.version_info.minor}": base_python,
    }.items():
        link = chosen / name
        if not target.exists() or (link.is_symlink() and link.readlink() == target):
            continue
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    return chosen
