"""Entry of processing jobs.

A job is a module with a typed set of arguments and a function:

    class Arguments(processing.Arguments):
        train_from: date

    def main(arguments: Arguments) -> None:
        rows = pd.read_parquet(processing.input_folder("curated"))

    if __name__ == "__main__":
        processing.run(main, Arguments)

`run` reads `--train-from 2013-01-01` from the command line, checks it, and reports failures as SageMaker wants them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from penstock_pipelines.container import failure, paths
from penstock_pipelines.errors import DataError, PipelinesError


class Arguments(BaseModel):
    """Command line of a job: each field `a_name` is the option `--a-name VALUE`."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def parse[A: Arguments](model: type[A], command_line: Sequence[str]) -> A:
    """Typed arguments of a command line; PipelinesError names what is unknown, missing or of a wrong form."""
    values: dict[str, str] = {}
    rest = list(command_line)
    while rest:
        option = rest.pop(0)
        if not option.startswith("--") or not rest:
            raise PipelinesError(f"The job's command line has {option!r} where `--option value` is expected.")
        values[option.removeprefix("--").replace("-", "_")] = rest.pop(0)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        details = "; ".join(f"--{str(d['loc'][0]).replace('_', '-')}: {d['msg']}" for d in error.errors())
        raise PipelinesError(f"The job's arguments are wrong: {details}.") from None


def run[A: Arguments](main: Callable[[A], None], model: type[A], command_line: Sequence[str] | None = None) -> None:
    """Run a job; exits with status 1 and a written reason when it fails."""
    started = time.monotonic()
    with failure.reported():
        main(parse(model, sys.argv[1:] if command_line is None else command_line))
    log(f"finished in {time.monotonic() - started:.1f} s")


def log(text: str) -> None:
    """One line in the job's log, at once."""
    print(text, flush=True)


def input_folder(name: str) -> Path:
    """Folder of the processing input `name`; DataError when the job was started without it."""
    folder = paths.processing_input(name)
    if not folder.is_dir():
        raise DataError(f"The job has no input {name!r} ({folder} is not there).")
    return folder


def inputs() -> Path:
    """Folder that holds all inputs of the job, each in a folder of its name."""
    return paths.resolve(paths.PROCESSING_INPUT)


def output_folder(name: str) -> Path:
    """Folder of the processing output `name`."""
    return paths.processing_output(name)
