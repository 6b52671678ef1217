"""Which cloud a command works on: the one module that knows.

The stack named `local` is the local cloud; every other stack is on AWS. Everything else asks `Target` for clients and
for the environment of subprocesses, and does not need to know which it got.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

import typer

from penstock_ci.errors import UserError

if TYPE_CHECKING:
    from penstock_cloud.cloud import CloudInfo

LOCAL_STACK = "local"

StackOption = Annotated[
    str | None,
    typer.Option(
        "--stack",
        metavar="STACK",
        envvar="PENSTOCK_STACK",
        show_default="local",
        help="Stack to work on: `local` is the local cloud, any other name is on AWS.",
    ),
]


@dataclass(frozen=True)
class Target:
    """A stack on one of the two clouds.

    Attributes:
        kind: "local" or "aws".
        stack: The Pulumi stack's name.
        environment: The whole environment for subprocesses that work on this target.
        region: AWS region.
        cloud: The running local cloud; None on AWS.
    """

    kind: Literal["local", "aws"]
    stack: str
    environment: dict[str, str]
    region: str
    cloud: CloudInfo | None = None
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_local(self) -> bool:
        """True on the local cloud."""
        return self.kind == "local"

    @property
    def poll_seconds(self) -> float:
        """How long to wait between two questions about something that runs."""
        return 1.0 if self.is_local else 15.0

    def model_name(self, model: str) -> str:
        """What the things of a model are called on this stack: `<model>-<stack>`."""
        from penstock_pipelines.configuration import name_in_stack

        return name_in_stack(model, self.stack)

    def client(self, service: str) -> Any:
        """The boto3 client of a service (`sagemaker`, `ssm`, ...), made once."""
        if service not in self._clients:
            self._clients[service] = self._session().client(
                service, endpoint_url=self._endpoint(service), config=_config()
            )
        return self._clients[service]

    def account(self) -> str:
        """The twelve digits of the account that the credentials belong to."""
        return str(self._caller()["Account"])

    def identity(self) -> str:
        """The ARN of the user, or of the session of a role, that the credentials belong to."""
        return str(self._caller()["Arn"])

    @functools.cache  # noqa: B019 - a target lives as long as the process
    def _caller(self) -> Any:
        return self.client("sts").get_caller_identity()

    @functools.cache  # noqa: B019 - a target lives as long as the process
    def _session(self) -> Any:
        import boto3

        if self.cloud is None:
            return boto3.Session(region_name=self.region or None)
        return boto3.Session(
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self.region,
        )

    def __hash__(self) -> int:
        return hash((self.kind, self.stack, self.region))

    def _endpoint(self, service: str) -> str | None:
        """The service's endpoint on the local cloud, by botocore's own variable names; None on AWS."""
        if self.cloud is None:
            return None
        specific = "AWS_ENDPOINT_URL_" + service.upper().replace("-", "_")
        return self.environment.get(specific) or self.environment["AWS_ENDPOINT_URL"]


def _config() -> Any:
    from botocore.config import Config

    return Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=10, read_timeout=120)


def state_directory() -> Path:
    """The state folder of the local cloud: $PENSTOCK_STATE_DIR, else ~/.local/state/penstock."""
    return Path(os.environ.get("PENSTOCK_STATE_DIR") or Path.home() / ".local/state/penstock").resolve()


def stack_name(stack: str | None) -> str:
    """The stack asked for: the option's value, else $PENSTOCK_STACK, else `local`."""
    return stack or os.environ.get("PENSTOCK_STACK") or LOCAL_STACK


def resolve(stack: str | None = None) -> Target:
    """The target of a stack.

    Raises:
        UserError: the stack is `local` and no local cloud runs, or it is on AWS and no region is set.
    """
    name = stack_name(stack)
    return _local(name) if name == LOCAL_STACK else _aws(name)


def running_cloud() -> CloudInfo | None:
    """The running local cloud of this user's state folder, if there is one."""
    from penstock_cloud import cloud

    return cloud.info(state_directory())


def _local(stack: str) -> Target:
    from penstock_cloud import cloud

    info = running_cloud()
    if info is None:
        raise UserError(
            f"no local cloud is running (state folder {state_directory()})",
            "start it: penstock cloud up   (or work on AWS with --stack NAME)",
        )
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_", "SAGEMAKER_"))
    }
    environment |= cloud.environment(info)
    environment["PENSTOCK_STACK"] = stack
    return Target("local", stack, environment, environment["AWS_REGION"], info)


def _aws(stack: str) -> Target:
    environment = dict(os.environ)
    here = [name for name, url in environment.items() if name.startswith("AWS_ENDPOINT_URL") and _is_this_machine(url)]
    if here:
        raise UserError(
            f"the stack '{stack}' is on AWS, but {here[0]} points at this machine",
            "unset it (a shell that ran `penstock cloud env`), or use --stack local",
        )
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or _profile_region()
    if not region:
        raise UserError("there is no AWS region", "set AWS_REGION, or a region in your AWS profile")
    environment |= {"AWS_REGION": region, "AWS_DEFAULT_REGION": region, "PENSTOCK_STACK": stack}
    return Target("aws", stack, environment, region)


def _is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.") or host.endswith(".localstack.cloud")


def _profile_region() -> str:
    import boto3

    return boto3.Session().region_name or ""
