"""Run one step of a pipeline alone, on this machine: the data scientist's inner loop.

    python -m penstock_pipelines.step Train --repository . --data raw/
    python -m penstock_pipelines.step Evaluate --upstream

The step's job is started as SageMaker would start it, from the compiled definition, under a folder of its own instead of
/opt/ml. S3 is a folder too (`build/steps/s3/<bucket>/<key>`): a step finds there what earlier steps left, and what is not
there is fetched from S3 once where a cloud is configured. Nothing is registered and nothing is published.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from penstock_pipelines import calendar, configuration, definition, lake
from penstock_pipelines.configuration import ModelConfiguration
from penstock_pipelines.container import paths
from penstock_pipelines.definition import Definition, Step
from penstock_pipelines.errors import ConfigurationError, DataError, PipelinesError
from penstock_pipelines.parameters import PLATFORM_OUTPUTS

EXECUTION = "local"
BUCKETS = {"RawBucket": "raw", "CleanBucket": "clean", "CuratedBucket": "curated", "ArtifactBucket": "artifacts"}
RUNNABLE = ("Processing", "Training")


@dataclass(frozen=True)
class Outcome:
    """How a step ended. `reason` says why it failed; `outputs` are the folders it left."""

    step: str
    ok: bool
    seconds: float
    reason: str = ""
    outputs: dict[str, str] = field(default_factory=dict)


class LocalRunner:
    """Runs the jobs of a repository's pipeline one by one.

    `python` runs the jobs (the repository's environment); `parameters` override those of the run; `remote` says whether
    inputs that are not there may be fetched from S3.
    """

    def __init__(
        self,
        repository: Path,
        *,
        python: Path,
        parameters: Mapping[str, str] | None = None,
        remote: bool = False,
    ) -> None:
        self.repository = repository.resolve()
        self.settings: ModelConfiguration = configuration.load(self.repository)
        self.pipeline: Definition = definition.read(self.repository / self.settings.pipeline.definition)
        self.python = python
        self.remote = remote
        self.folder = self.repository / "build" / "steps"
        self.s3 = self.folder / "s3"
        self.scope = self._scope(parameters or {})

    def place_raw(self, data: Path) -> None:
        """Use a folder of raw tables (flights/, weather/, ...) as the raw bucket."""
        if not data.is_dir():
            raise DataError(f"{data} is not a folder of raw tables.")
        bucket = self.s3 / self.scope["Parameters.RawBucket"]
        bucket.parent.mkdir(parents=True, exist_ok=True)
        if bucket.is_symlink() or bucket.exists():
            bucket.unlink() if bucket.is_symlink() else shutil.rmtree(bucket)
        bucket.symlink_to(data.resolve(), target_is_directory=True)

    def default_windows(self) -> None:
        """Take the windows of the landed raw data for parameters that were not given."""
        wanted = ("TrainFrom", "TrainTo", "EvaluateFrom", "EvaluateTo")
        if all(self.scope.get(f"Parameters.{name}") for name in wanted):
            return
        pipeline = self.settings.pipeline
        bucket = self.scope["Parameters.RawBucket"]
        keys = [
            f.relative_to(self.s3 / bucket).as_posix() for f in (self.s3 / bucket / pipeline.landing_table).rglob("*")
        ]
        if not keys and self.remote:
            keys = list(lake.list_keys(bucket, f"{pipeline.landing_table}/"))
        windows = calendar.windows(
            pipeline.start, calendar.landed_until(keys, pipeline.start), pipeline.evaluation_months
        )
        values = (windows.train_from, windows.train_to, windows.evaluate_from, windows.evaluate_to)
        for name, value in zip(wanted, values, strict=True):
            if not self.scope.get(f"Parameters.{name}"):
                self.scope[f"Parameters.{name}"] = value.isoformat()

    def plan(self, name: str, upstream: bool) -> list[Step]:
        """The steps to run: the one named, with `upstream` also those before it. Only jobs can run here."""
        step = self.pipeline.step(name)
        if step.type not in RUNNABLE:
            raise ConfigurationError(
                f"{name} is a {step.type} step; only jobs (Processing, Training) run alone.",
                f"Jobs: {', '.join(s.name for s in self.pipeline.steps.values() if s.type in RUNNABLE)}.",
            )
        before = self.pipeline.upstream(name) if upstream else []
        return [self.pipeline.step(other) for other in before if self.pipeline.step(other).type in RUNNABLE] + [step]

    def run(self, step: Step, on_line: Callable[[str], None] = print) -> Outcome:
        """Run one job to its end; its log goes to `on_line` line by line."""
        started = time.monotonic()
        base = self.folder / step.name
        shutil.rmtree(base, ignore_errors=True)
        (base / "output").mkdir(parents=True)
        arguments = self._arguments(step)
        command = self._prepare(step, arguments, base)
        environment = {
            **os.environ,
            **{str(k): str(v) for k, v in arguments.get("Environment", {}).items()},
            "SAGEMAKER_BASE_DIR": str(base),
            "PYTHONUNBUFFERED": "1",
        }
        code = _stream([str(self.python), *command], self.repository, environment, on_line)
        seconds = time.monotonic() - started
        failure = base / "output" / "failure"
        if code != 0:
            reason = failure.read_text() if failure.exists() else f"The job exited with status {code}."
            return Outcome(step.name, False, seconds, reason)
        outputs = dict(self._collect(step, arguments, base))
        return Outcome(step.name, True, seconds, outputs=outputs)

    def _scope(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        unknown = sorted(set(parameters) - set(self.pipeline.parameters))
        if unknown:
            raise ConfigurationError(
                f"The pipeline has no parameters {', '.join(unknown)}.",
                f"It has {', '.join(self.pipeline.parameters)}.",
            )
        local = {**BUCKETS, **platform_buckets(), "ImageUri": EXECUTION, "RoleArn": EXECUTION, "Register": "false"}
        values = {**self.pipeline.parameters, **local, **parameters}
        scope: dict[str, Any] = {f"Parameters.{name}": value for name, value in values.items()}
        scope["Execution.PipelineExecutionId"] = EXECUTION
        return scope

    def _arguments(self, step: Step) -> dict[str, Any]:
        """The step's request with all expressions replaced."""
        scope = dict(self.scope)
        for name in self.pipeline.upstream(step.name):
            other = self.pipeline.step(name)
            if other.type == "Processing":
                outputs = other.body["Arguments"].get("ProcessingOutputConfig", {}).get("Outputs", [])
                for output in outputs:
                    path = f"Steps.{name}.ProcessingOutputConfig.Outputs['{output['OutputName']}'].S3Output.S3Uri"
                    scope[path] = definition.evaluate(output["S3Output"]["S3Uri"], scope)
            elif other.type == "Training":
                place = definition.evaluate(other.body["Arguments"]["OutputDataConfig"]["S3OutputPath"], scope)
                scope[f"Steps.{name}.ModelArtifacts.S3ModelArtifacts"] = f"{place}/{name}/output/model.tar.gz"
        evaluated: dict[str, Any] = definition.evaluate(step.body["Arguments"], scope)
        return evaluated

    def _prepare(self, step: Step, arguments: Mapping[str, Any], base: Path) -> list[str]:
        """Lay out the job's folders; returns its command below the Python interpreter."""
        if step.type == "Processing":
            for item in arguments.get("ProcessingInputs", []):
                self._fetch(
                    item["S3Input"]["S3Uri"],
                    base / Path(item["S3Input"]["LocalPath"]).relative_to(paths.ROOT),
                    item["InputName"],
                )
            entry = arguments["AppSpecification"]["ContainerEntrypoint"]
            rest = [str(part) for part in arguments["AppSpecification"].get("ContainerArguments", [])]
            return self._without_cloud([*entry[1:], *rest])
        config = base / "input" / "config"
        config.mkdir(parents=True)
        (config / "hyperparameters.json").write_text(json.dumps(arguments.get("HyperParameters", {})))
        for item in arguments.get("InputDataConfig", []):
            name = item["ChannelName"]
            self._fetch(item["DataSource"]["S3DataSource"]["S3Uri"], base / "input" / "data" / name, name)
        return ["-m", "penstock_pipelines.container.training"]

    def _without_cloud(self, command: list[str]) -> list[str]:
        """An evaluation that runs alone has no registry to look for a champion in, unless a cloud is there."""
        if "--group" in command and not self.remote:
            command[command.index("--group") + 1] = ""
        return command

    def _fetch(self, uri: str, target: Path, name: str) -> None:
        bucket, key = lake.split_uri(uri)
        source = self.s3 / bucket / key
        target.parent.mkdir(parents=True, exist_ok=True)
        is_raw = bucket == self.scope["Parameters.RawBucket"]
        if self.remote and (is_raw or not source.exists()) and not (self.s3 / bucket).is_symlink():
            files = lake.download(uri, source if "." not in Path(key).name else source.parent)
            print(f"fetched {len(files)} files of {uri}", flush=True)
        if not source.exists():
            raise DataError(
                f"The input {name!r} ({uri}) is not there.",
                "Run the steps before this one too (--upstream), or give raw data with --data FOLDER.",
            )
        if source.is_dir():
            target.symlink_to(source.resolve(), target_is_directory=True)
        else:
            target.mkdir()
            (target / source.name).symlink_to(source.resolve())

    def _collect(self, step: Step, arguments: Mapping[str, Any], base: Path) -> Iterator[tuple[str, str]]:
        if step.type == "Processing":
            for item in arguments.get("ProcessingOutputConfig", {}).get("Outputs", []):
                bucket, key = lake.split_uri(item["S3Output"]["S3Uri"])
                place = self.s3 / bucket / key
                shutil.rmtree(place, ignore_errors=True)
                shutil.copytree(base / Path(item["S3Output"]["LocalPath"]).relative_to(paths.ROOT), place)
                yield item["OutputName"], str(place)
            return
        bucket, key = lake.split_uri(arguments["OutputDataConfig"]["S3OutputPath"])
        archive = self.s3 / bucket / key / step.name / "output" / "model.tar.gz"
        archive.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive, "w:gz") as tar:
            for file in sorted((base / "model").iterdir()):
                tar.add(file, arcname=file.name)
        yield "model", str(archive)


def platform_buckets() -> dict[str, str]:
    """Buckets of the platform at hand, as `penstock pipeline step` tells them (PENSTOCK_OUTPUT_<stack output>)."""
    found = {name: os.environ.get(f"PENSTOCK_OUTPUT_{PLATFORM_OUTPUTS[name]}") for name in BUCKETS}
    return {name: bucket for name, bucket in found.items() if bucket}


def _stream(command: list[str], folder: Path, environment: dict[str, str], on_line: Callable[[str], None]) -> int:
    """Run a command, hand on its lines, and end it when we are interrupted."""
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        for line in process.stdout or ():
            on_line(line.rstrip("\n"))
        return process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise


def _parameter(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def main(command_line: Sequence[str] | None = None) -> int:
    """Command line; exits with 1 when a step fails and with 2 for a mistake in what was asked."""
    parser = argparse.ArgumentParser(prog="penstock_pipelines.step", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", help="step to run, e.g. Train")
    parser.add_argument("--repository", type=Path, default=Path(), help="the model repository (default: here)")
    parser.add_argument("--data", type=Path, help="folder with the raw tables, instead of the raw bucket")
    parser.add_argument("--upstream", action="store_true", help="run the steps before it first")
    parser.add_argument("--parameter", type=_parameter, action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument(
        "--remote", action="store_true", help="fetch inputs from S3 (default where a platform is known)"
    )
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="interpreter that runs the jobs")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    given = parser.parse_args(command_line)
    outcomes = []
    try:
        runner = LocalRunner(
            given.repository,
            python=given.python,
            parameters=dict(given.parameter),
            remote=given.remote or (bool(platform_buckets()) and not given.data),
        )
        if given.data:
            runner.place_raw(given.data)
        runner.default_windows()
        for step in runner.plan(given.name, given.upstream):
            log = sys.stderr if given.json else sys.stdout
            print(f"== {step.name}", file=log, flush=True)
            outcomes.append(runner.run(step, functools.partial(print, file=log, flush=True)))
            if not outcomes[-1].ok:
                break
    except PipelinesError as error:
        print(error, file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps([vars(outcome) for outcome in outcomes], indent=2))
    else:
        for outcome in outcomes:
            print(f"{outcome.step}: {'ok' if outcome.ok else 'failed'} in {outcome.seconds:.1f} s")
    return 0 if all(outcome.ok for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
