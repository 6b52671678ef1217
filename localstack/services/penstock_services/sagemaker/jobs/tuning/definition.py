"""What a tuning job is to do: its training job definitions with their ranges and objectives, checked as AWS checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.jobs.tuning.ranges import Choice, Space, space

Record = dict[str, Any]
OBJECTIVE_HYPERPARAMETER = "_tuning_objective_metric"
_EPOCH_NAMES = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
_EPOCH_LIMIT = 20_000
_JOB_LIMIT = 750
_PARALLEL_LIMIT = 100


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


@dataclass(frozen=True)
class Definition:
    """One training job definition. ``resources``: fewest and most epochs under Hyperband."""

    name: str | None
    given: Record
    space: Space
    metric: str
    maximize: bool
    resources: tuple[int, int] | None

    def request(self, job_name: str, tuned: dict[str, str], tags: list[dict[str, str]]) -> Record:
        """The CreateTrainingJob request of one training job."""
        static = self.given.get("StaticHyperParameters", {})
        request: Record = {
            "TrainingJobName": job_name,
            "HyperParameters": {**static, **tuned, OBJECTIVE_HYPERPARAMETER: self.metric},
            "AlgorithmSpecification": self.given["AlgorithmSpecification"],
            "ResourceConfig": _resources(self.given),
        }
        for member in (
            "RoleArn", "InputDataConfig", "VpcConfig", "OutputDataConfig", "StoppingCondition", "EnableNetworkIsolation",
            "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining", "RetryStrategy", "Environment",
        ):  # fmt: skip
            if member in self.given:
                request[member] = self.given[member]
        checkpoints = self.given.get("CheckpointConfig")
        if checkpoints:
            # Each training job has checkpoints of its own below the given place.
            request["CheckpointConfig"] = {**checkpoints, "S3Uri": f"{checkpoints['S3Uri'].rstrip('/')}/{job_name}"}
        if tags:
            request["Tags"] = tags
        return request


def _resources(given: Record) -> Record:
    if "ResourceConfig" in given:
        found: Record = given["ResourceConfig"]
        return found
    tuning = given.get("HyperParameterTuningResourceConfig", {})
    first = next(iter(tuning.get("InstanceConfigs", [])), tuning)
    members = ("InstanceType", "InstanceCount", "VolumeSizeInGB")
    chosen = {member: first[member] for member in members if member in first}
    if "VolumeKmsKeyId" in tuning:
        chosen["VolumeKmsKeyId"] = tuning["VolumeKmsKeyId"]
    return chosen


def definitions(request: Record) -> tuple[Definition, ...]:
    """The definitions of a request (or of a record); raises ServiceError for what AWS refuses."""
    config = request["HyperParameterTuningJobConfig"]
    if request.get("Autotune"):
        message = "Penstock's local SageMaker does not choose ranges and settings (Autotune)."
        raise _invalid(message)
    one, several = request.get("TrainingJobDefinition"), request.get("TrainingJobDefinitions")
    if (one is None) == (several is None):
        message = "Exactly one of TrainingJobDefinition and TrainingJobDefinitions must be given."
        raise _invalid(message)
    if one is not None:
        ranges = config.get("ParameterRanges") or one.get("HyperParameterRanges") or {}
        objective = config.get("HyperParameterTuningJobObjective") or one.get("TuningObjective")
        return (_definition(config, one, ranges, objective),)
    for member in ("ParameterRanges", "HyperParameterTuningJobObjective"):
        if member in config:
            message = f"{member} must be given in each of TrainingJobDefinitions, not in HyperParameterTuningJobConfig."
            raise _invalid(message)
    names = [each.get("DefinitionName") for each in several or []]
    if None in names or len(set(names)) < len(names):
        message = "Each of TrainingJobDefinitions must have a DefinitionName of its own."
        raise _invalid(message)
    return tuple(
        _definition(config, each, each.get("HyperParameterRanges", {}), each.get("TuningObjective"))
        for each in several or []
    )


def _definition(config: Record, given: Record, ranges: Record, objective: Record | None) -> Definition:
    if objective is None:
        message = (
            "The objective metric must be given (HyperParameterTuningJobObjective, or TuningObjective of a definition)."
        )
        raise _invalid(message)
    found = space(ranges)
    static = given.get("StaticHyperParameters", {})
    both = sorted(found.names & set(static))
    if both:
        message = f"Hyperparameters cannot be static and tuned at once: {', '.join(both)}."
        raise _invalid(message)
    if "ResourceConfig" not in given and "HyperParameterTuningResourceConfig" not in given:
        message = "A training job definition needs ResourceConfig or HyperParameterTuningResourceConfig."
        raise _invalid(message)
    metrics = given["AlgorithmSpecification"].get("MetricDefinitions")
    if metrics is not None and objective["MetricName"] not in {each["Name"] for each in metrics}:
        message = f"The objective metric {objective['MetricName']} is not among the algorithm's MetricDefinitions."
        raise _invalid(message)
    strategy = config["Strategy"]
    if strategy == "Grid" and not all(isinstance(each, Choice) for each in found.ranges):
        message = "Grid search works with categorical hyperparameters only (CategoricalParameterRanges)."
        raise _invalid(message)
    resources = _epochs(config, static) if strategy == "Hyperband" else None
    name = given.get("DefinitionName")
    return Definition(name, given, found, objective["MetricName"], objective["Type"] == "Maximize", resources)


def _epochs(config: Record, static: dict[str, str]) -> tuple[int, int]:
    """MinResource and MaxResource (API reference, HyperbandStrategyConfig)."""
    if config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        message = (
            "TrainingJobEarlyStoppingType must be Off for the Hyperband strategy, which stops training jobs itself."
        )
        raise _invalid(message)
    given = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
    most = given.get("MaxResource")
    for name in _EPOCH_NAMES:
        if most is None and name in static:
            text = str(static[name]).strip('"')
            most = int(text) if text.isdigit() else None
    if most is None:
        message = (
            "HyperbandStrategyConfig needs MaxResource: it cannot be inferred, for none of the static hyperparameters is "
            f"one of {', '.join(_EPOCH_NAMES)}."
        )
        raise _invalid(message)
    fewest = given.get("MinResource", 1)
    if not fewest <= most <= _EPOCH_LIMIT:
        message = f"MinResource must not be greater than MaxResource, and MaxResource not greater than {_EPOCH_LIMIT}."
        raise _invalid(message)
    return fewest, most


@dataclass(frozen=True)
class Limits:
    """When a tuning job ends. ``jobs``: how many training jobs at most."""

    jobs: int
    parallel: int
    seconds: float | None
    target: float | None
    not_improving: int | None
    converged: bool


def limits(config: Record, found: tuple[Definition, ...]) -> Limits:
    """ResourceLimits and TuningJobCompletionCriteria; raises ServiceError for what AWS refuses."""
    given, criteria = config["ResourceLimits"], config.get("TuningJobCompletionCriteria", {})
    jobs = given.get("MaxNumberOfTrainingJobs")
    if config["Strategy"] == "Grid":
        total = sum(each.space.combinations for each in found)
        if jobs is not None and jobs != total:
            message = (
                f"MaxNumberOfTrainingJobs must be the number of distinct combinations of a grid search, {total}, or not be "
                "given."
            )
            raise _invalid(message)
        jobs = total
    elif jobs is None and "MaxRuntimeInSeconds" not in given and not criteria:
        message = "MaxNumberOfTrainingJobs, MaxRuntimeInSeconds or TuningJobCompletionCriteria must be given."
        raise _invalid(message)
    jobs = _JOB_LIMIT if jobs is None else jobs
    parallel = given["MaxParallelTrainingJobs"]
    if parallel > _PARALLEL_LIMIT:
        message = f"The account-level service limit for parallel training jobs of a tuning job is {_PARALLEL_LIMIT}."
        raise ServiceError("ResourceLimitExceeded", message)
    if parallel > jobs and config["Strategy"] != "Grid":
        message = f"MaxParallelTrainingJobs ({parallel}) must not be greater than MaxNumberOfTrainingJobs ({jobs})."
        raise _invalid(message)
    return Limits(
        jobs=jobs,
        parallel=parallel,
        seconds=given.get("MaxRuntimeInSeconds"),
        target=criteria.get("TargetObjectiveMetricValue"),
        not_improving=criteria.get("BestObjectiveNotImproving", {}).get("MaxNumberOfTrainingJobsNotImproving"),
        converged=criteria.get("ConvergenceDetected", {}).get("CompleteOnConvergence") == "Enabled",
    )
