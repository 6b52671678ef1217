"""What an Autopilot job is to do, of either version of the API, and what is refused.

API reference: CreateAutoMLJob, CreateAutoMLJobV2, AutoMLJobObjective, AutoMLAlgorithmConfig.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.jobs.automl import candidates

Record = dict[str, Any]
CSV, PARQUET = "text/csv;header=present", "x-application/vnd.amazon+parquet"
_DEFAULT_FRACTION = 0.2
_OUTPUT_LENGTH = 512
_VARIABLE_LENGTH = 256


@dataclass(frozen=True)
class Asked:
    """A request of either version. ``training`` and ``validation`` are S3DataSources; ``table`` are the settings of the
    problem: TabularJobConfig, or what stands for it in a request of the first version."""

    training: Record
    validation: Record | None
    content_type: str
    target: str
    table: Record
    problem_type: str | None
    objective: str | None
    fraction: float
    security: Record
    output: Record
    role: str

    @property
    def criteria(self) -> Record:
        """CompletionCriteria."""
        found: Record = self.table.get("CompletionCriteria", {})
        return found

    @property
    def mode(self) -> str:
        """AUTO where none is given."""
        return str(self.table.get("Mode", "AUTO"))

    @property
    def most(self) -> int:
        """How many candidates there are at most."""
        return int(self.criteria.get("MaxCandidates", candidates.MOST))

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The algorithms that are trained, in the table's order."""
        chosen = _algorithms(self.table)
        return tuple(each for each in candidates.SERVED if not chosen or each in chosen)


def asked(record: Record) -> Asked:
    """The parts of a request, or of a record; raises ServiceError for what AWS refuses and for what is not served."""
    second = "AutoMLProblemTypeConfig" in record
    given = record["AutoMLJobInputDataConfig" if second else "InputDataConfig"]
    training, validation = _channels(given)
    if second:
        table = _tabular(record["AutoMLProblemTypeConfig"])
        target, problem, common = table["TargetAttributeName"], table.get("ProblemType"), record
    else:
        common = record.get("AutoMLJobConfig", {})
        own = common.get("CandidateGenerationConfig", {})
        table = {**common, **own, "CandidateGenerationConfig": own}
        table["GenerateCandidateDefinitionsOnly"] = record.get("GenerateCandidateDefinitionsOnly", False)
        if "SampleWeightAttributeName" in training:
            table["SampleWeightAttributeName"] = training["SampleWeightAttributeName"]
        target, problem = training["TargetAttributeName"], record.get("ProblemType")
    objective = record.get("AutoMLJobObjective", {}).get("MetricName")
    _check_problem(problem, objective)
    fraction = common.get("DataSplitConfig", {}).get("ValidationFraction")
    if fraction is not None and not 0 < fraction < 1:
        raise _invalid("ValidationFraction must be greater than 0 and less than 1.")
    if fraction is not None and validation is not None:
        raise _invalid("ValidationFraction splits the training channel: it cannot be given with a validation channel.")
    if len(record["OutputDataConfig"]["S3OutputPath"]) > _OUTPUT_LENGTH:
        raise _invalid(f"S3OutputPath must be {_OUTPUT_LENGTH} characters or less.")
    _check_s3(record["OutputDataConfig"]["S3OutputPath"])
    _check_mode(table)
    _refuse(record, table, target)
    return Asked(
        training=training["DataSource"]["S3DataSource"],
        validation=validation["DataSource"]["S3DataSource"] if validation else None,
        content_type=_content_type(training),
        target=target,
        table=table,
        problem_type=problem,
        objective=objective,
        fraction=_DEFAULT_FRACTION if fraction is None else fraction,
        security=common.get("SecurityConfig", {}),
        output=record["OutputDataConfig"],
        role=record["RoleArn"],
    )


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def _not_here(what: str) -> ServiceError:
    message = f"Penstock's local SageMaker does not run Autopilot with {what}."
    return ServiceError("NotImplementedException", message, 501)


def _channels(given: list[Record]) -> tuple[Record, Record | None]:
    """The training channel, and the validation channel where there is one."""
    by_type: dict[str, Record] = {}
    for channel in given:
        kind = channel.get("ChannelType", "training")
        if kind in by_type:
            raise _invalid(
                f"There must be one training channel and at most one validation channel; {kind} is there twice."
            )
        by_type[kind] = channel
        source = channel.get("DataSource", {}).get("S3DataSource")
        if source is None:
            raise _invalid("DataSource must be given for each channel.")
        if source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
            raise _invalid(f"S3DataType {source['S3DataType']} is not supported for tabular data.")
        _check_s3(source["S3Uri"])
        kind = _content_type(channel)
        if kind not in (CSV, PARQUET):
            raise _invalid(f"ContentType must be {CSV} or {PARQUET}, not {channel['ContentType']}.")
        if kind == PARQUET and channel.get("CompressionType", "None") != "None":
            raise _invalid("CompressionType Gzip is not supported for Parquet files.")
    if "training" not in by_type:
        raise _invalid("There must be a training channel.")
    training, validation = by_type["training"], by_type.get("validation")
    if validation is not None:
        if _content_type(validation) != _content_type(training):
            raise _invalid("The channels for training and validation must share the same ContentType.")
        if validation.get("TargetAttributeName") != training.get("TargetAttributeName"):
            raise _invalid("The channels for training and validation must share the same TargetAttributeName.")
    return training, validation


def _content_type(channel: Record) -> str:
    given: str = channel.get("ContentType", CSV)
    return given.replace(" ", "")


def _check_s3(uri: str) -> None:
    if not uri.startswith("s3://"):
        raise _invalid(f"{uri} is not an S3 URI (s3://bucket/key).")


def _tabular(config: Record) -> Record:
    """TabularJobConfig; every other problem type is refused by name."""
    if not config:
        raise _invalid("AutoMLProblemTypeConfig must hold the settings of one problem type.")
    name = next(iter(config))
    if name != "TabularJobConfig":
        raise _not_here(name)
    table: Record = config[name]
    return table


def _check_problem(problem: str | None, objective: str | None) -> None:
    if (problem is None) != (objective is None):
        raise _invalid("Either both of ProblemType and AutoMLJobObjective must be provided, or none of them.")
    if problem is None:
        return
    known = [metric for metric in candidates.METRICS[problem] if metric != candidates.LOG_LOSS]
    if objective not in known:
        raise _invalid(f"The objective metric of {problem} must be one of {', '.join(known)}; {objective} is not.")


def _algorithms(table: Record) -> list[str]:
    """AutoMLAlgorithms; empty where all are meant."""
    config = table.get("CandidateGenerationConfig", {}).get("AlgorithmsConfig") or [{}]
    found: list[str] = config[0].get("AutoMLAlgorithms", [])
    return found


def _check_mode(table: Record) -> None:
    chosen, mode = _algorithms(table), table.get("Mode", "AUTO")
    if mode == "HYPERPARAMETER_TUNING":
        raise _not_here("Mode HYPERPARAMETER_TUNING, whose candidates are inference pipelines of several containers")
    if chosen and mode == "AUTO":
        raise _invalid("AlgorithmsConfig should not be set if the training mode is set on AUTO.")
    foreign = [each for each in chosen if each not in candidates.ENSEMBLING]
    if foreign:
        raise _invalid(f"Algorithms of Mode ENSEMBLING are {', '.join(candidates.ENSEMBLING)}; {foreign[0]} is not.")
    missing = [each for each in chosen if each not in candidates.SERVED]
    if missing:
        raise _not_here(f"the algorithm {missing[0]}; it has {', '.join(candidates.SERVED)}")


def _refuse(record: Record, table: Record, target: str) -> None:
    """Parts that would run what is not here."""
    for member in ("ModelDeployConfig", "AutoMLComputeConfig"):
        if member in record:
            raise _not_here(member)
    if table.get("GenerateCandidateDefinitionsOnly"):
        raise _not_here("GenerateCandidateDefinitionsOnly (definitions and notebooks of candidates)")
    for member in ("FeatureSpecificationS3Uri", "SampleWeightAttributeName"):
        if member in table:
            raise _not_here(member)
    if len(target) > _VARIABLE_LENGTH:
        raise _not_here(f"a TargetAttributeName of more than {_VARIABLE_LENGTH} characters")
