"""What the gateway is told at its start, and how LocalStack hears of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STATE_DIR_VARIABLE = "PENSTOCK_STATE_DIR"
SERVICES_URL_VARIABLE = "PENSTOCK_SERVICES_URL"

REFUSED_VARIABLES = (
    "AWS_ENDPOINT_URL",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "LOCALSTACK_AUTH_TOKEN",
    "LOCALSTACK_API_KEY",
    "SERVICES",
    "DEBUG",
    "CONFIG_PROFILE",
    "PERSISTENCE",
)
"""Variables of the caller's shell that would change what LocalStack does; they never reach it."""


@dataclass(frozen=True)
class Settings:
    """State folder, port on the loopback interface, and address of the services process."""

    state_dir: Path
    port: int
    services_url: str

    @property
    def s3_dir(self) -> Path:
        """Bodies of S3 objects."""
        return self.state_dir / "s3"

    @property
    def kept_dir(self) -> Path:
        """What LocalStack keeps in memory, on disk."""
        return self.state_dir / "gateway" / "state"

    @property
    def volume_dir(self) -> Path:
        """LocalStack's own files: metrics database, certificates, temporary files."""
        return self.state_dir / "gateway"

    def localstack_variables(self) -> dict[str, str]:
        """LocalStack's settings: loopback only, nothing fetched from the network, all files below the state folder."""
        volume = self.volume_dir
        return {
            "GATEWAY_LISTEN": f"127.0.0.1:{self.port}",
            "LOCALSTACK_HOST": f"127.0.0.1:{self.port}",
            "LOCALSTACK_VOLUME_DIR": str(volume / "volume"),
            "FILESYSTEM_ROOT": str(volume / "root"),
            "TMPDIR": str(volume / "tmp"),
            "XDG_CACHE_HOME": str(volume / "cache"),
            "CONFIG_DIR": str(volume / "config"),
            "DISABLE_EVENTS": "1",
            "SKIP_SSL_CERT_DOWNLOAD": "1",
            "SKIP_INFRA_DOWNLOADS": "1",
            "DNS_ADDRESS": "0",
            "EAGER_SERVICE_LOADING": "0",
            "SQS_ENDPOINT_STRATEGY": "path",
            "DISABLE_CORS_CHECKS": "0",
            "LAMBDA_RUNTIME_EXECUTOR": "process",
            "LS_LOG": "warn",
            # Created resources are those of the account in the credentials; calls between services use these.
            "AWS_ACCESS_KEY_ID": "000000000000",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            STATE_DIR_VARIABLE: str(self.state_dir),
            SERVICES_URL_VARIABLE: self.services_url,
        }

    def apply(self) -> None:
        """Make the folders and set the process's environment. Call it before anything of LocalStack is imported."""
        if "localstack.config" in sys.modules:
            raise RuntimeError("the gateway's settings must be applied before localstack.config is imported")
        for name in REFUSED_VARIABLES:
            os.environ.pop(name, None)
        for name in [n for n in os.environ if n.startswith("PROVIDER_OVERRIDE_") or n.startswith("AWS_ENDPOINT_URL_")]:
            os.environ.pop(name)
        os.environ.update(self.localstack_variables())
        for folder in (self.s3_dir, *(self.volume_dir / name for name in ("volume", "root", "tmp", "cache", "config"))):
            folder.mkdir(parents=True, exist_ok=True)


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings that `Settings.apply` left in the environment (for plug-ins, which LocalStack makes itself)."""
    return Settings(
        state_dir=Path(environment[STATE_DIR_VARIABLE]),
        port=int(environment["GATEWAY_LISTEN"].rpartition(":")[2]),
        services_url=environment[SERVICES_URL_VARIABLE],
    )
