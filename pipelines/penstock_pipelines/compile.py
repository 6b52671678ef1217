"""Compile a model repository's pipeline into its definition.

    python -m penstock_pipelines.compile --repository . --output pipeline.json

Runs in the environment that has the SageMaker Python SDK. It imports `src/<package>/pipeline.py`, calls
`build(configuration)` and writes the definition in a canonical form: compiling twice gives the same bytes. It needs no
network, no credentials and no region of the user's, and sends no telemetry.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path

from penstock_pipelines import configuration
from penstock_pipelines.errors import ConfigurationError, PipelinesError

NOWHERE = "http://127.0.0.1:9"
"""The discard port: a client that calls AWS while compiling fails at once."""

SEALED_ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "compile",
    "AWS_SECRET_ACCESS_KEY": "compile",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_ENDPOINT_URL": NOWHERE,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "SAGEMAKER_VALIDATE_ROLE": "false",
}


def seal() -> None:
    """Keep compiling apart from the user's AWS account: no profile, no credentials, no endpoint that answers."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(SEALED_ENVIRONMENT)
    logging.disable(logging.WARNING)
    warnings.filterwarnings("ignore", module="sagemaker")


def definition(repository: Path) -> str:
    """The canonical text of a repository's pipeline definition (JSON, indented, with a final newline)."""
    settings = configuration.load(repository)
    source = repository / "src"
    if not (source / settings.package / "pipeline.py").exists():
        raise ConfigurationError(
            f"{source / settings.package / 'pipeline.py'} does not exist.", "Check `package` in penstock.yaml."
        )
    seal()
    sys.path.insert(0, str(source))
    module = importlib.import_module(f"{settings.package}.pipeline")
    document = json.loads(module.build(settings).definition())
    return json.dumps(document, indent=2) + "\n"


def main(command_line: Sequence[str] | None = None) -> int:
    """Command line; exits with 2 for a mistake in the repository's configuration or pipeline."""
    parser = argparse.ArgumentParser(prog="penstock_pipelines.compile", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repository", type=Path, default=Path(), help="the model repository (default: here)")
    parser.add_argument("--output", type=Path, required=True, help="file to write")
    arguments = parser.parse_args(command_line)
    try:
        text = definition(arguments.repository.resolve())
    except PipelinesError as error:
        print(error, file=sys.stderr)
        return 2
    except Exception as error:  # noqa: BLE001 - the user's own pipeline.py: show where it broke, not our frames
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if str(arguments.repository.resolve()) in frame.filename]
        where = f"{own[-1].filename}:{own[-1].lineno}: " if own else ""
        print(f"{where}{type(error).__name__}: {error}", file=sys.stderr)
        print("The pipeline was not compiled; correct the module named above.", file=sys.stderr)
        return 2
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
