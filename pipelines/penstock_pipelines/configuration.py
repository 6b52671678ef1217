"""penstock.yaml: the typed configuration of one model repository.

`load(path)` reads and checks it; every mistake is reported at once with the key it is at, and for an unknown key
with the key that was probably meant. `json_schema()` gives editors completion and hints.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError

from penstock_pipelines.errors import ConfigurationError
from penstock_pipelines.quality import QualitySection
from penstock_pipelines.serving import CardSection, EndpointSection, Section

NAME_PATTERN = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
PACKAGE_PATTERN = r"^[a-z][a-z0-9_]*$"
REPOSITORY_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$"
TRACKING_PATTERN = r"^(https?://\S+|arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:mlflow-(tracking-server|app)/\S+)$"


class PipelineSection(Section):
    """The SageMaker pipeline: where it is defined and what a run covers."""

    definition: str = "pipeline.json"
    """The committed (golden) pipeline definition, relative to the repository."""
    image_lock: str = "requirements/image.txt"
    """Hash-pinned lock of the image that all jobs and endpoints of this model run in."""
    dockerfile: str = "Dockerfile"
    """The image's Dockerfile, relative to the repository."""
    start: date
    """First day of the data."""
    landing_table: str = "flights"
    """Table of the raw zone whose months (year=YYYY/month=MM/) say until when data have landed."""
    evaluation_months: Annotated[int, Field(ge=1, le=24)] = 2
    """The newest landed months that a model is evaluated on; it is trained on all before them."""
    evaluation_months_after_drift: Annotated[int, Field(ge=1, le=24)] = 1
    """The same for a run that drift started: shorter, so that training sees the shifted data."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 7
    """Seed of sampling and training: the same seed and data give the same metrics."""
    sample_fraction_pull_request: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Share of the training rows that a pull request's small run uses."""
    processing_instance_type: str = "ml.m5.large"
    """Instance type of processing jobs."""
    training_instance_type: str = "ml.m5.xlarge"
    """Instance type of training jobs."""
    volume_size_in_gb: Annotated[int, Field(ge=1, le=16384)] = 30
    """Disk of each job, GiB."""
    max_runtime_in_seconds: Annotated[int, Field(ge=60, le=432000)] = 3600
    """A job that runs longer is stopped."""
    hyperparameters: dict[str, str | int | float | bool] = Field(default_factory=dict)
    """Hyperparameters of the training job."""


class GateSection(Section):
    """What a candidate must reach to be registered."""

    metric: str = "auc"
    """A metric of evaluation.json."""
    minimum: float = 0.6
    """The lowest value that passes."""


class MonitorSection(Section):
    """What the drift job compares with the registered baseline."""

    features: Annotated[list[str], Field(min_length=1)]
    """Inputs (and `prediction`) whose distribution is compared. Choose those where drift means something:
    seasons move the temperature every month."""
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.15
    """The largest distance from the baseline that is no drift: the largest difference between the two cumulative
    distributions (0: alike, 1: nothing in common)."""
    minimum_rows: Annotated[int, Field(ge=1)] = 200
    """Fewer captured rows than this are not judged: a handful of requests is no distribution."""


class TrackingSection(Section):
    """Where runs are logged."""

    server: Annotated[str, Field(pattern=TRACKING_PATTERN)] | None = None
    """ARN of a SageMaker MLflow tracking server or app, or the address of an MLflow server. Left out: the platform's
    server, if it has one."""
    experiment: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """Name of the experiment; left out: the model's name."""


class ModelConfiguration(Section):
    """The whole of penstock.yaml."""

    name: Annotated[str, Field(pattern=NAME_PATTERN, max_length=40)]
    """Name of the model. In a stack its pipeline, model package group and endpoint are called `<name>-<stack>`, and its
    feature groups `<name>-<stack>-<group>`."""
    package: Annotated[str, Field(pattern=PACKAGE_PATTERN)]
    """The Python package under src/."""
    description: str = ""
    """One line for people."""
    owner: Annotated[str, Field(min_length=1)]
    """Team that answers for the model; becomes the tag Owner."""
    cost_center: Annotated[str, Field(min_length=1)]
    """Becomes the tag CostCenter."""
    repository: Annotated[str, Field(pattern=REPOSITORY_PATTERN)]
    """GitHub repository, owner/name."""
    pipeline: PipelineSection
    gate: GateSection = GateSection()
    endpoint: EndpointSection = EndpointSection()
    card: CardSection = CardSection()
    quality: QualitySection | None = None
    """How the model's answers are compared with what came true; left out: not at all."""
    monitor: MonitorSection
    tracking: TrackingSection = TrackingSection()

    def name_in(self, stack: str) -> str:
        """The model's name in a stack, e.g. `flight-delays-prod`."""
        return name_in_stack(self.name, stack)

    def endpoint_in(self, stack: str) -> str:
        """The endpoint's name in a stack: the model's, or that of its own that a serverless or asynchronous one has."""
        own = f"-{self.endpoint.strategy}" if self.endpoint.strategy in ("serverless", "async") else ""
        return f"{self.name_in(stack)}{own}"


def name_in_stack(model: str, stack: str) -> str:
    """What the things of a model are called in a stack: so that several stacks have room in one account and region."""
    return f"{model}-{stack}"


def load(path: Path) -> ModelConfiguration:
    """Read penstock.yaml, or the penstock.yaml in a folder.

    Raises ConfigurationError for a missing file, broken YAML, and for all wrong keys and values together.
    """
    file = path / "penstock.yaml" if path.is_dir() else path
    return read_yaml(file, ModelConfiguration, missing_fix="Run this in a model repository, or name its penstock.yaml.")


def read_yaml[M: BaseModel](file: Path, model: type[M], missing_fix: str = "") -> M:
    """Read one YAML file into a pydantic model; raises ConfigurationError that names file, key and remedy."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigurationError(f"{file} does not exist.", missing_fix) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}") from None
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise ConfigurationError(f"{file}{where}: {problem}.", "Check indentation, colons and quotes there.") from None
    if not isinstance(document, dict):
        raise ConfigurationError(f"{file} must hold a mapping of keys to values, not {type(document).__name__}.")
    try:
        return model.model_validate(document)
    except ValidationError as error:
        lines = [f"  {line}" for line in _explain(error, model)]
        raise ConfigurationError(f"{file} is not valid:\n" + "\n".join(lines)) from None


def json_schema() -> dict[str, Any]:
    """JSON schema of penstock.yaml, for editors."""
    schema = ModelConfiguration.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "penstock.yaml"}


def _explain(error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    for detail in error.errors():
        location = detail["loc"]
        key = ".".join(str(part) for part in location)
        if detail["type"] == "extra_forbidden":
            known = _known_keys(model, location[:-1])
            close = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else f"known keys are {', '.join(known)}."
            yield f"{key}: unknown key; {hint}"
        elif detail["type"] == "missing":
            yield f"{key}: this key is required."
        elif detail["type"] == "literal_error":
            expected = str(detail.get("ctx", {}).get("expected", ""))
            choices = [choice.strip(" '") for choice in expected.replace(" or ", ", ").split(",")]
            close = difflib.get_close_matches(str(detail["input"]), choices, n=1, cutoff=0.5)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            yield f"{key}: {detail['input']!r} is none of {expected}.{hint}"
        else:
            yield f"{key}: {detail['msg']} (it is {detail['input']!r})."


def _known_keys(model: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """Keys that the mapping at `location` may hold."""
    current: Any = model
    for part in location:
        if isinstance(part, int):
            continue
        annotation = current.model_fields[part].annotation
        candidates = [annotation, *get_args(annotation)]
        current = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
        if current is None:
            return []
    return sorted(current.model_fields)


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))
