"""The SageMaker pipeline. `penstock pipeline compile` turns it into pipeline.json, which is committed.

Ingest -> Validate -> Features -> TrainingSet -> Train -> Evaluate -> Gate -> Register
"""

from penstock_pipelines import steps
from penstock_pipelines.configuration import ModelConfiguration
from penstock_pipelines.steps import PipelineBuilder
from sagemaker.mlops.workflow.pipeline import Pipeline

JOBS = "@{{ cookiecutter.package }}.jobs"
TABLES = ["flights", "weather", "planes"]
METADATA = [
    "git_commit",
    "data_version",
    "image_uri",
    "model_digest",
    "train_from",
    "train_to",
    "evaluate_from",
    "evaluate_to",
    "seed",
    "sample_fraction",
    "auc",
    "average_precision",
    "brier",
    "log_loss",
    "evaluation_rows",
    "champion_version",
    "mlflow_run",
]


def build(configuration: ModelConfiguration) -> Pipeline:
    """All steps, wired by what they read."""
    make = PipelineBuilder(configuration)
    name, register = make.parameter("ModelName"), make.parameter("Register")
    windows = {
        "train_from": make.parameter("TrainFrom"),
        "train_to": make.parameter("TrainTo"),
        "evaluate_from": make.parameter("EvaluateFrom"),
        "evaluate_to": make.parameter("EvaluateTo"),
    }
    whole = {"first": windows["train_from"], "until": windows["evaluate_to"]}
    raw = {table: make.uri("RawBucket", table) for table in TABLES}
    sampling = {"sample_fraction": make.parameter("SampleFraction"), "seed": make.parameter("Seed")}

    ingest = make.processing(
        "Ingest",
        description="Raw to clean to curated",
        module=f"{JOBS}.ingest",
        inputs=raw,
        outputs={
            "clean": make.snapshot("CleanBucket"),
            "curated": make.snapshot("CuratedBucket"),
            "summary": make.artifact("ingest"),
        },
        arguments=whole,
    )
    curated = make.output(ingest, "curated")
    validate = make.processing(
        "Validate",
        description="Raw data against their schema",
        module=f"{JOBS}.validate",
        inputs={**raw, "curated": curated},
        outputs={"report": make.artifact("validation")},
        arguments=whole,
    )
    features = make.processing(
        "Features",
        description="Records of the feature groups, published to the feature store",
        module=f"{JOBS}.features",
        inputs={"curated": curated},
        outputs={"features": make.artifact("features")},
        arguments={"model": name, "publish": register},
        depends_on=[validate],
    )
    training_set = make.processing(
        "TrainingSet",
        description="Flights with what was known at their departure",
        module=f"{JOBS}.training_set",
        inputs={"curated": curated, "features": make.output(features, "features")},
        outputs={
            "training": make.artifact("training"),
            "evaluation": make.artifact("evaluation-rows"),
            "summary": make.artifact("training-set"),
        },
        arguments={**windows, **sampling},
    )
    train = make.training(
        "Train",
        description="XGBoost in the model's own image",
        channels={"train": make.output(training_set, "training")},
        hyperparameters={**configuration.pipeline.hyperparameters, "seed": make.parameter("Seed")},
    )
    report = steps.property_file("Evaluation", output="evaluation", path="evaluation.json")
    evaluate = make.processing(
        "Evaluate",
        description="Metrics, champion, baseline",
        module=f"{JOBS}.evaluate",
        inputs={
            "model": train.properties.ModelArtifacts.S3ModelArtifacts,
            "evaluation": make.output(training_set, "evaluation"),
            "ingest": make.output(ingest, "summary"),
        },
        outputs={"evaluation": make.artifact("evaluation"), "baseline": make.artifact("baseline")},
        arguments={
            **windows,
            **sampling,
            "group": name,
            "image_uri": make.parameter("ImageUri"),
            "git_commit": make.parameter("GitCommit"),
        },
        tracked=True,
        property_files=[report],
    )
    registration = make.registration(
        "Register",
        description=configuration.description,
        model=train,
        statistics=steps.join(make.output(evaluate, "evaluation"), "evaluation.json"),
        baseline_statistics=steps.join(make.output(evaluate, "baseline"), "statistics.json"),
        baseline_constraints=steps.join(make.output(evaluate, "baseline"), "constraints.json"),
        metadata={key: steps.json_value(evaluate, report, f"metadata.{key}") for key in METADATA},
    )
    metric = configuration.gate.metric
    value, minimum = steps.json_value(evaluate, report, f"metrics.{metric}"), make.parameter("GateMinimum")
    gate = steps.at_least(
        "Gate",
        value,
        minimum,
        then=[steps.equals("RegisterRequested", register, "true", then=[registration])],
        otherwise=[steps.fail("GateFailed", f"{metric} is ", value, ", below the gate's ", minimum)],
    )
    return make.pipeline([ingest, validate, features, training_set, train, evaluate, gate])
