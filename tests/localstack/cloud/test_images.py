"""Images without Docker: digests follow the content, and a Dockerfile's ENTRYPOINT is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock_cloud import images
from penstock_cloud.errors import CloudError


def inputs(folder: Path, wheel: str = "code") -> dict[str, object]:
    folder.mkdir()
    (folder / "image.txt").write_text("duckdb==1.5.5 --hash=sha256:0\n")
    (folder / "model-1-py3-none-any.whl").write_text(wheel)
    (folder / "Dockerfile").write_text('FROM python:3.13-slim\nENTRYPOINT ["train", "--fast"]\n')
    return {
        "lock": folder / "image.txt",
        "wheels": [folder / "model-1-py3-none-any.whl"],
        "dockerfile": folder / "Dockerfile",
    }


def test_equal_inputs_give_an_equal_manifest_and_others_another(tmp_path: Path) -> None:
    first = images.manifest(**inputs(tmp_path / "a"))  # type: ignore[arg-type]
    assert first == images.manifest(**inputs(tmp_path / "b"))  # type: ignore[arg-type]
    assert first != images.manifest(**inputs(tmp_path / "c", wheel="other code"))  # type: ignore[arg-type]
    assert json.loads(first)["mediaType"] == images.MANIFEST_TYPE


def test_the_entrypoint_is_the_dockerfiles(tmp_path: Path) -> None:
    inputs(tmp_path / "a")
    assert images.entrypoint(tmp_path / "a/Dockerfile") == ["train", "--fast"]
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    assert images.entrypoint(tmp_path / "Dockerfile") is None
    (tmp_path / "Dockerfile").write_text("ENTRYPOINT train\n")
    with pytest.raises(CloudError, match="not in JSON form"):
        images.entrypoint(tmp_path / "Dockerfile")
