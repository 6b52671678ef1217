"""Cleanup steps: they delete what earlier steps have put on S3.

As the SDK documents it (CleanupStep): of a Training step what the job wrote; of a Processing or Transform step exactly the
named objects, which must lie below that step's output locations. The result is in the Metadata: a step that cannot be
cleaned does not fail this one's neighbours.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.sagemaker.pipelines.expressions import resolve
from penstock_services.sagemaker.pipelines.steps.base import Begun, Ended, Immediate, Run

_BATCH = 1000


class CleanupStep(Immediate):
    """Deletes the S3 outputs of its source steps."""

    def begin(self, run: Run) -> Begun:
        """Delete, step by step."""
        cleaned: list[str] = []
        failed: list[dict[str, str]] = []
        skipped: list[str] = []
        for source in run.step.arguments["Resources"]["S3"]:
            name: str = source["StepName"]
            state = run.values.states.get(name)
            if state is None or not state.properties:
                skipped.append(name)
                continue
            try:
                self._clean(run, state.properties, resolve(source.get("S3Uris"), run.values))
                cleaned.append(name)
            except ValueError as error:
                failed.append({"StepName": name, "ErrorCode": "ClientError", "ErrorMessage": str(error)})
            except (BotoCoreError, ClientError) as error:
                code = "ClientError" if isinstance(error, ClientError) else "InternalFailure"
                failed.append({"StepName": name, "ErrorCode": code, "ErrorMessage": str(error)})
        metadata: dict[str, Any] = {"CleanedSteps": cleaned, "FailedSteps": failed, "SkippedSteps": skipped}
        if failed:
            names = ", ".join(each["StepName"] for each in failed)
            reason = f"ClientError: outputs of {names} cannot be deleted: {failed[0]['ErrorMessage']}"
            return Begun({"Cleanup": metadata}, ended=Ended("Failed", failure=reason))
        return Begun({"Cleanup": metadata}, ended=Ended("Succeeded"))

    def _clean(self, run: Run, properties: dict[str, Any], uris: list[str] | None) -> None:
        if "TrainingJobName" in properties:
            root = properties["OutputDataConfig"]["S3OutputPath"].rstrip("/")
            self._delete_below(run, f"{root}/{properties['TrainingJobName']}/")
            return
        if not uris:
            message = "the objects to delete must be named by S3Uris"
            raise ValueError(message)
        places = [
            output["S3Output"]["S3Uri"].rstrip("/") + "/"
            for output in properties.get("ProcessingOutputConfig", {}).get("Outputs", [])
            if "S3Output" in output
        ]
        if "TransformOutput" in properties:
            places.append(properties["TransformOutput"]["S3OutputPath"].rstrip("/") + "/")
        for uri in uris:
            if not any(uri.startswith(place) and uri != place for place in places):
                message = f"{uri} is not below an output location of the step"
                raise ValueError(message)
        for uri in uris:
            bucket, _, key = uri.removeprefix("s3://").partition("/")
            run.context.client("s3").delete_object(Bucket=bucket, Key=key)

    @staticmethod
    def _delete_below(run: Run, prefix: str) -> None:
        bucket, _, key = prefix.removeprefix("s3://").partition("/")
        client = run.context.client("s3")
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key):
            found = [{"Key": each["Key"]} for each in page.get("Contents", [])]
            for start in range(0, len(found), _BATCH):
                client.delete_objects(Bucket=bucket, Delete={"Objects": found[start : start + _BATCH]})


CLEANUP = CleanupStep()
