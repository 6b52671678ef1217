"""Ask the model about flights, with features read from the online store by key.

    python -m @{{ cookiecutter.package }}.predict --input flights.csv --endpoint NAME
    python -m @{{ cookiecutter.package }}.predict --input flights.csv --artifact model.tar.gz --json

`--endpoint` asks the endpoint; `--artifact` loads a model.tar.gz (a file or an S3 address) here instead, to compare.
"""

import argparse
import io
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import boto3
import pandas as pd
from botocore.exceptions import BotoCoreError, ClientError
from penstock_pipelines import champion, errors, lake
from penstock_pipelines.container import rows as wire
from penstock_pipelines.errors import DataError, PipelinesError
from penstock_pipelines.features.store import FeatureStore

from @{{ cookiecutter.package }} import dataset, definitions, model, online

PROGRAM = "@{{ cookiecutter.package }}.predict"
ROWS_AT_ONCE = 500


def read(source: str) -> pd.DataFrame:
    """Flights of a CSV file, a JSON file (a list of objects) or standard input (`-`)."""
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error.strerror}.") from None
    try:
        if text.lstrip().startswith(("[", "{")):
            document = json.loads(text)
            frame = pd.DataFrame(document if isinstance(document, list) else [document])
        else:
            frame = pd.read_csv(io.StringIO(text), dtype={"carrier": str, "tailnum": str}, keep_default_na=False)
    except ValueError as error:
        raise DataError(f"{source} is neither CSV nor JSON: {error}") from None
    if frame.empty:
        raise DataError(f"{source} holds no flight.")
    return frame.replace({"": None})


def ask(endpoint: str, rows: pd.DataFrame) -> list[float]:
    """Scores of an endpoint for rows of the model's inputs."""
    client = boto3.client("sagemaker-runtime")
    scores: list[float] = []
    for start in range(0, len(rows), ROWS_AT_ONCE):
        body = wire.write_csv(rows[list(dataset.INPUTS)].iloc[start : start + ROWS_AT_ONCE])
        answer = client.invoke_endpoint(EndpointName=endpoint, ContentType=wire.CSV, Accept=wire.CSV, Body=body)
        scores += wire.read_scores(answer["Body"].read().decode(), wire.CSV)
    return scores


def score_here(artifact: str, rows: pd.DataFrame) -> list[float]:
    """Scores of a model.tar.gz loaded in this process."""
    archive = lake.read_object(artifact) if artifact.startswith("s3://") else Path(artifact).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        champion.unpack(archive, Path(folder))
        return model.predict(model.load(Path(folder)), rows)


def main(command_line: Sequence[str] | None = None) -> int:
    """Command line; exits with 1 when the flights or the endpoint will not do."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--input", required=True, help="CSV or JSON file of flights, or - for standard input")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--endpoint", help="name of the endpoint")
    where.add_argument("--artifact", help="model.tar.gz to load here: a file or an S3 address")
    parser.add_argument("--json", action="store_true", help="print JSON, with the features that were used")
    given = parser.parse_args(command_line)
    try:
        store = FeatureStore(definitions.model_name(), definitions.feature_groups())
        rows = online.with_features(online.flights(read(given.input)), store)
        if later := online.already_known(rows):
            print(f"note: {later} of the flights lie before what the online store knows by now", file=sys.stderr)
        scores = ask(given.endpoint, rows) if given.endpoint else score_here(given.artifact, rows)
    except (PipelinesError, ClientError, BotoCoreError, OSError) as error:
        errors.show(error)
        return 1
    if given.json:
        used = rows[list(dataset.INPUTS)].astype(object).where(rows[list(dataset.INPUTS)].notna(), None)
        pairs = zip(used.to_dict("records"), scores, strict=True)
        print(json.dumps([{"score": score, "inputs": values} for values, score in pairs], indent=2))
        return 0
    for f, score in zip(rows.itertuples(), scores, strict=True):
        print(f"{f.scheduled_at} {f.carrier} {f.origin}-{f.dest} {f.tailnum}: {score:.1%} likely to be late")
    return 0


if __name__ == "__main__":
    sys.exit(main())
