"""Physical names within AWS's limits, stable between runs, unique where AWS wants them unique."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import Enum

SUFFIX_LENGTH = 8


class Uniqueness(Enum):
    """How far a name must be unique; beyond one region it takes a hash of account and region."""

    WORLD = "world"
    ACCOUNT = "account"
    REGION = "region"


@dataclass(frozen=True, kw_only=True)
class NameKind:
    """The rule of one kind of name. `longest` counts characters; `separator` joins the parts."""

    noun: str
    longest: int
    unique_within: Uniqueness
    separator: str = "-"
    lower_case: bool = False


BUCKET = NameKind(noun="S3 bucket", longest=63, unique_within=Uniqueness.WORLD, lower_case=True)
ROLE = NameKind(noun="IAM role", longest=64, unique_within=Uniqueness.ACCOUNT)
POLICY = NameKind(noun="IAM policy", longest=128, unique_within=Uniqueness.ACCOUNT)
KEY_ALIAS = NameKind(noun="KMS alias", longest=250, unique_within=Uniqueness.REGION)
TOPIC = NameKind(noun="SNS topic", longest=256, unique_within=Uniqueness.REGION)
QUEUE = NameKind(noun="SQS queue", longest=80, unique_within=Uniqueness.REGION)
IMAGE_REPOSITORY = NameKind(noun="ECR repository", longest=256, unique_within=Uniqueness.REGION, lower_case=True)
DATABASE = NameKind(noun="Glue database", longest=255, unique_within=Uniqueness.REGION, separator="_", lower_case=True)
EVENT = NameKind(noun="EventBridge rule, connection or destination", longest=64, unique_within=Uniqueness.REGION)
BUDGET = NameKind(noun="budget", longest=100, unique_within=Uniqueness.ACCOUNT)
SECURITY_GROUP = NameKind(noun="security group", longest=255, unique_within=Uniqueness.REGION)
FEATURE_GROUP = NameKind(noun="feature group", longest=64, unique_within=Uniqueness.REGION)
WORKGROUP = NameKind(noun="Athena workgroup", longest=128, unique_within=Uniqueness.REGION)
RULESET = NameKind(noun="Glue data-quality ruleset", longest=255, unique_within=Uniqueness.REGION)
ALARM = NameKind(noun="CloudWatch alarm", longest=255, unique_within=Uniqueness.REGION)
SCHEDULE = NameKind(noun="EventBridge schedule", longest=64, unique_within=Uniqueness.REGION)
FUNCTION = NameKind(noun="Lambda function", longest=64, unique_within=Uniqueness.REGION)
DASHBOARD = NameKind(noun="CloudWatch dashboard", longest=255, unique_within=Uniqueness.ACCOUNT)
MONITOR = NameKind(noun="monitoring schedule or job definition", longest=63, unique_within=Uniqueness.REGION)
DOMAIN = NameKind(noun="Studio domain", longest=63, unique_within=Uniqueness.REGION)
TRACKING = NameKind(noun="MLflow server or app", longest=63, unique_within=Uniqueness.REGION)
CODE_REPOSITORY = NameKind(noun="SageMaker code repository", longest=63, unique_within=Uniqueness.REGION)
SPARK_APPLICATION = NameKind(noun="EMR Serverless application", longest=64, unique_within=Uniqueness.REGION)

KINDS = (
    BUCKET,
    ROLE,
    POLICY,
    KEY_ALIAS,
    TOPIC,
    QUEUE,
    IMAGE_REPOSITORY,
    DATABASE,
    EVENT,
    BUDGET,
    SECURITY_GROUP,
    FEATURE_GROUP,
    WORKGROUP,
    RULESET,
    ALARM,
    SCHEDULE,
    FUNCTION,
    DASHBOARD,
    MONITOR,
    DOMAIN,
    TRACKING,
    CODE_REPOSITORY,
    SPARK_APPLICATION,
)


def physical_name(kind: NameKind, *parts: str, location: str) -> str:
    """The name of a resource of `kind`, made of `parts`.

    `location` is the account and region. A hash is appended when the name must be unique beyond the region, when it had
    to be cut, or when cleaning lost a character, so that different parts always give different names.

    Raises ValueError when no part holds a letter or digit.
    """
    plain = kind.separator.join(parts)
    clean = _clean(kind, plain)
    if not clean:
        raise ValueError(f"a {kind.noun} cannot be named from {plain!r}: it needs a letter or a digit")
    beyond_region = kind.unique_within is not Uniqueness.REGION
    if not beyond_region and clean == plain and len(clean) <= kind.longest:
        return clean
    scope = location if beyond_region else ""
    suffix = digest(scope, *parts)
    stem = clean[: kind.longest - SUFFIX_LENGTH - 1].rstrip(kind.separator)
    return f"{stem}{kind.separator}{suffix}"


def digest(*values: str) -> str:
    """The first eight hex digits of the values' SHA-256; the order and the borders of the values count."""
    text = "\0".join(values)
    return hashlib.sha256(text.encode()).hexdigest()[:SUFFIX_LENGTH]


def _clean(kind: NameKind, text: str) -> str:
    """Letters, digits and single separators only; neither at the start nor at the end a separator."""
    if kind.lower_case:
        text = text.lower()
    text = re.sub(r"[^A-Za-z0-9]+", kind.separator, text)
    return text.strip(kind.separator)
