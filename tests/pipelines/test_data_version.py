"""Versions of data are of their content."""

from __future__ import annotations

from pathlib import Path

from penstock_pipelines import data_version


def test_equal_content_has_an_equal_version_wherever_it_lies(tmp_path: Path) -> None:
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "x").write_text("1")
    here, there = ({"x": tmp_path / place / "x"} for place in ("here", "there"))
    assert data_version.of_files(here) == data_version.of_files(there)
    assert data_version.of_files({"y": here["x"]}) != data_version.of_files(here)
    (tmp_path / "there" / "x").write_text("2")
    assert data_version.of_files(here) != data_version.of_files(there)
