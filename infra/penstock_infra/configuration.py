"""A stack's settings (`Pulumi.<stack>.yaml`), typed and checked before anything is made."""

from __future__ import annotations

import difflib
import json
import re
from typing import Annotated, Any, Literal, Self

import pulumi
from pulumi.runtime.config import CONFIG
from pydantic import ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from penstock_infra.errors import ConfigurationError, Settings
from penstock_infra.limits import INSTANCE_TYPES, InstanceType
from penstock_infra.model import ModelName
from penstock_infra.network import PrivateRange, ServiceName
from penstock_infra.placement import AccountId
from penstock_infra.repository import Repository
from penstock_infra.serving import EndpointSettings
from penstock_infra.tags import REQUIRED, CostTag
from penstock_infra.team import Team, each_in_one

LEAST_DAYS_IN_STANDARD = 30
"""S3 moves no object to infrequent access before."""

_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]+")


class StackSettings(Settings):
    """Settings that every project has. Keys in the stack file are in camelCase, under the project's name."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    protect: bool = Field(default=True, description="refuse to delete what holds data")
    force_destroy: bool = Field(default=False, description="let destroy empty buckets and delete images")
    tags: dict[str, str] = Field(default_factory=dict, description="tags of your own on everything")

    @classmethod
    def secret_keys(cls) -> frozenset[str]:
        """Keys that the program reads by itself as secrets."""
        return frozenset()

    @classmethod
    def load(cls) -> Self:
        """The settings of the running stack. Raises ConfigurationError with every fault at once."""
        project = pulumi.get_project()
        prefix = f"{project}:"
        values = {key.removeprefix(prefix): value for key, value in CONFIG.get().items() if key.startswith(prefix)}
        return cls.from_values(values, project=project, stack=pulumi.get_stack())

    @classmethod
    def from_values(cls, values: dict[str, Any], *, project: str, stack: str) -> Self:
        """The settings in `values`, as Pulumi hands them over (structured values as JSON text)."""
        known = {to_camel(name): field for name, field in cls.model_fields.items()}
        faults = []
        given: dict[str, Any] = {}
        for key, value in values.items():
            if key in cls.secret_keys():
                continue
            if key not in known:
                near = difflib.get_close_matches(key, [*known, *cls.secret_keys()], n=1)
                hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(sorted(known))}"
                faults.append(f"  {project}:{key}: no such key; {hint}")
                continue
            given[key] = _decode(value)
        try:
            settings = cls.model_validate(given)
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_input=False):
                field = ".".join(str(part) for part in fault["loc"])
                message = fault["msg"].removeprefix("Value error, ")
                if fault["type"] == "missing":
                    message = f"missing; set it with `pulumi config set {project}:{field} VALUE --stack {stack}`"
                faults.append(f"  {project}:{field}: {message}")
        if faults:
            raise ConfigurationError("\n".join([f"Pulumi.{stack}.yaml of {project} is not valid:", *faults]))
        return settings


class ModelStackSettings(StackSettings):
    """Settings of a model repository's own project."""

    endpoint_enabled: bool = Field(default=True, description="false takes the endpoint away in this stack")
    shared_with: tuple[AccountId, ...] = Field(
        default=(), description="accounts that may deploy the versions registered here"
    )

    def endpoint_settings(self, endpoint: EndpointSettings) -> EndpointSettings:
        """The model's settings as this stack has them."""
        return endpoint.model_copy(update={"enabled": endpoint.enabled and self.endpoint_enabled})


class PlatformSettings(StackSettings):
    """Settings of the platform's projects: whose they are."""

    owner: str = Field(description="a person or a team that answers for the platform")
    cost_center: str = Field(description="who pays")


class FoundationSettings(PlatformSettings):
    """Settings of `penstock-foundation`."""

    repositories: tuple[Repository, ...] = Field(min_length=1, description="the model repositories, primary one first")
    alarm_emails: tuple[str, ...] = Field(default=(), description="addresses that alarms and budgets are mailed to")
    ci_roles: tuple[Literal["plan", "train", "deploy"], ...] = Field(
        default=("plan", "train", "deploy"), description="the roles that each repository has in this stack"
    )
    github_oidc_provider_arn: str = Field(default="", description="GitHub's identity provider, if the account has it")
    train_environment: str = Field(default="train", description="the GitHub environment that training jobs run in")
    deploy_environment: str = Field(default="deploy", description="the GitHub environment that deployments run in")
    state_bucket: str = Field(default="", description="the bucket with the stacks' state, for the CI roles")
    state_key_arn: str = Field(default="", description="the KMS key of the stacks' secrets, for the CI roles")
    monthly_budget: int = Field(
        default=1000, ge=0, description="USD a month for all that is tagged with this stack's environment; 0 for none"
    )
    budgets: dict[CostTag, Annotated[int, Field(gt=0)]] = Field(
        default_factory=dict, description="USD a month for single cost tags, TAG=VALUE"
    )
    network: bool = Field(default=False, description="a network without the internet for jobs and endpoints")
    network_cidr: PrivateRange = Field(default="10.80.0.0/16", description="the network's addresses")
    network_zones: tuple[str, ...] = Field(
        default=(), description="its availability zones; by default the region's first two"
    )
    network_services: tuple[ServiceName, ...] = Field(
        default=(), description="AWS services that it reaches beside those that jobs and models need: athena, glue"
    )
    shared_with: tuple[AccountId, ...] = Field(
        default=(), description="accounts that may read the models and images made here: those of staging and prod"
    )
    registry_stack: str = Field(
        default="", description="the stack whose registered models are deployed here; by default this one's own"
    )

    @model_validator(mode="after")
    def _counts_what_is_tagged(self) -> Self:
        known = (*REQUIRED, *self.tags)
        for cost_tag in self.budgets:
            if cost_tag.partition("=")[0] not in known:
                raise ValueError(f"nothing carries the tag of the budget {cost_tag}; tags are {', '.join(known)}")
        return self

    @model_validator(mode="after")
    def _shares_what_it_has(self) -> Self:
        if self.registry_stack and self.shared_with:
            raise ValueError(
                f"sharedWith is for the stack that registers models; this one deploys those of {self.registry_stack}"
            )
        return self


class DataLakeSettings(PlatformSettings):
    """Settings of `penstock-datalake`. Its tables are the files of the folder `tables`."""

    query_limit_gb: int = Field(default=100, ge=1, description="a query that scans more GB (10^9 bytes) is cancelled")
    daily_query_limit_gb: int = Field(default=1000, ge=1, description="more GB scanned in a day set an alarm off")
    landing: bool = Field(default=True, description="a queue of the objects that arrive below landing/ of the raw zone")
    lake_admins: tuple[str, ...] = Field(
        default=(), description="ARNs of Lake Formation's administrators, the account's whole list; none leaves it out"
    )
    lake_readers: tuple[str, ...] = Field(default=(), description="ARNs of roles that may read the lake's tables")
    lake_writers: tuple[str, ...] = Field(default=(), description="ARNs of roles that may make and fill them too")

    @model_validator(mode="after")
    def _grants_need_administrators(self) -> Self:
        if (self.lake_readers or self.lake_writers) and not self.lake_admins:
            raise ValueError("lakeReaders and lakeWriters are Lake Formation's grants: they need lakeAdmins as well")
        if both := sorted({*self.lake_readers} & {*self.lake_writers}):
            raise ValueError(f"writers read anyway; name them in lakeWriters only: {', '.join(both)}")
        for arn in (*self.lake_admins, *self.lake_readers, *self.lake_writers):
            if not _PRINCIPAL.fullmatch(arn):
                raise ValueError(f"{arn!r} is no ARN of an IAM role or user (arn:aws:iam::ACCOUNT:role/NAME)")
        return self


class FeatureStoreSettings(PlatformSettings):
    """Settings of `penstock-featurestore`; those of a feature group stand in its own file, `features/<name>.yaml`."""

    history_infrequent_access_after: int = Field(
        default=0,
        ge=0,
        description="days until the offline store's files move to cheaper storage (30 at least); 0: never",
    )

    @model_validator(mode="after")
    def _thirty_days_at_least(self) -> Self:
        if 0 < self.history_infrequent_access_after < LEAST_DAYS_IN_STANDARD:
            raise ValueError(f"historyInfrequentAccessAfter: S3 moves nothing before {LEAST_DAYS_IN_STANDARD} days")
        return self


class TrainingSettings(PlatformSettings):
    """Settings of `penstock-training`."""

    repositories: tuple[Repository, ...] = Field(min_length=1, description="the model repositories, primary one first")
    experiment_tracking: Literal["off", "app", "server"] = Field(
        default="off",
        description="managed MLflow: an app (free but for storage) or a server (470 USD a month and more)",
    )
    tracking_server_size: Literal["Small", "Medium", "Large"] = Field(default="Small", description="of a server")
    instance_types: tuple[InstanceType, ...] = Field(
        default=INSTANCE_TYPES, min_length=1, description="what jobs and notebooks may run on"
    )
    longest_run_hours: int = Field(
        default=24, ge=1, le=672, description="how long a job may be allowed to run, in hours"
    )
    monthly_spend_limit: int = Field(
        default=0, ge=0, description="USD a month of SageMaker and EMR after which nothing more starts; 0 for no limit"
    )
    network_isolation: bool = Field(
        default=False, description="jobs, Studio and Spark run in the foundation's network only"
    )
    studio_teams: tuple[Team, ...] = Field(
        default=(), description="people in Studio by team, as NAME=PERSON,PERSON; none leaves Studio out"
    )
    studio_vpc_id: str = Field(default="", description="Studio's VPC where the foundation has no network")
    studio_subnet_ids: tuple[str, ...] = Field(default=(), description="its subnets")
    studio_security_group_id: str = Field(default="", description="the security group of notebooks in it")
    code_repository_secret_arn: str = Field(
        default="",
        description="the secret that Studio reads private repositories with (its name starts AmazonSageMaker-)",
    )
    spark: bool = Field(default=False, description="an EMR Serverless application for Spark (free while idle)")
    spark_most_cpus: int = Field(default=16, ge=4, le=4000, description="vCPUs of all Spark jobs together at most")
    shared_with: tuple[AccountId, ...] = Field(
        default=(), description="accounts that may pull the images made here, as in the foundation"
    )

    @model_validator(mode="after")
    def _studio_has_a_network(self) -> Self:
        each_in_one(self.studio_teams)
        if self.network_isolation and self.experiment_tracking == "app":
            raise ValueError(
                "experimentTracking: jobs of an isolated network reach a server of MLflow, but no app: take server or off"
            )
        given = (self.studio_vpc_id, self.studio_subnet_ids, self.studio_security_group_id)
        if self.network_isolation and any(given):
            raise ValueError(
                "studioVpcId, studioSubnetIds and studioSecurityGroupId are the foundation's with networkIsolation"
            )
        if self.studio_teams and not self.network_isolation and not all(given):
            raise ValueError(
                "studioTeams: a Studio domain lies in a VPC; set networkIsolation (the foundation's network), or "
                "studioVpcId, studioSubnetIds and studioSecurityGroupId"
            )
        return self

    @classmethod
    def secret_keys(cls) -> frozenset[str]:
        """The token that repository dispatches are sent with."""
        return frozenset({"githubToken"})


class OperationsSettings(PlatformSettings):
    """Settings of `penstock-operations`. Times are EventBridge Scheduler's expressions, in `timezone`."""

    timezone: str = Field(default="UTC", description="the time zone of all times here, by its IANA name")
    idle_hours: int = Field(
        default=24, ge=0, le=336, description="hours unasked that make an endpoint idle; 0: none is"
    )
    idle_check: str = Field(default="cron(0 8 * * ? *)", description="when idle endpoints are looked for")
    nightly_off: str = Field(default="", description="when the stack's endpoints go off; empty: never")
    morning_on: str = Field(default="", description="when they come back; empty: by hand")
    expiring_stacks: tuple[str, ...] = Field(default=(), description="stacks whose endpoints end with their tag TTL")
    expiry_check: str = Field(default="rate(1 hour)", description="when endpoints that have expired are looked for")
    models: tuple[ModelName, ...] = Field(
        default=(), description="models in service here: each gets a dashboard and a drift job by the clock"
    )
    drift_check: str = Field(default="cron(0 6 * * ? *)", description="when drift jobs start; empty: by hand")
    drift_hours: int = Field(default=24, ge=1, le=744, description="hours of requests that a drift job looks at")

    @model_validator(mode="after")
    def _only_what_may_go(self) -> Self:
        if self.protect and (self.nightly_off or self.expiring_stacks):
            raise ValueError("nightlyOff and expiringStacks delete endpoints: for stacks with `protect: false` alone")
        if self.morning_on and not self.nightly_off:
            raise ValueError("morningOn brings back what nightlyOff took down: set nightlyOff as well")
        return self


def _decode(value: Any) -> Any:
    """Pulumi passes lists and objects as JSON text; everything else is left for the field's own type."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
