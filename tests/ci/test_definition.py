"""A compiled definition as a graph."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.ci.conftest import PIPELINE, Penstock

from penstock_ci import definition
from penstock_ci.errors import UserError


def test_dependencies_come_from_references_and_conditions() -> None:
    found = {node.name: node for node in definition.nodes(PIPELINE)}
    assert list(found) == ["Ingest", "Train", "Gate", "Register", "Stop"]
    assert found["Train"].depends_on == ("Ingest",)
    assert found["Gate"].depends_on == ("Train",)
    assert found["Register"].depends_on == ("Gate", "Train")
    assert (found["Register"].branch, found["Stop"].branch, found["Stop"].condition) == ("if", "else", "Gate")


def test_pictures() -> None:
    drawn = definition.mermaid(PIPELINE)
    assert drawn.startswith("flowchart LR\n")
    assert "  Gate -->|yes| Register" in drawn
    assert "  Gate -->|no| Stop" in drawn
    assert "Train     Training       after Ingest" in definition.text(PIPELINE)


def test_graph_command(penstock: Penstock, repository: Path) -> None:
    document = penstock("pipeline", "graph", "--json").document
    assert [step["name"] for step in document["steps"]] == ["Ingest", "Train", "Gate", "Register", "Stop"]
    assert penstock("pipeline", "graph", "--mermaid").out.startswith("flowchart LR")


def test_unreadable_definitions(repository: Path, penstock: Penstock) -> None:
    (repository / "pipeline.json").write_text("{")
    outcome = penstock("pipeline", "graph")
    assert outcome.code == 2
    assert "is not JSON" in outcome.err
    (repository / "pipeline.json").unlink()
    with pytest.raises(UserError, match="does not exist"):
        definition.read(repository / "pipeline.json")


def compiled_as(monkeypatch: pytest.MonkeyPatch, document: object) -> None:
    from penstock_ci import compilation

    def write(repository: object, output: Path, on_progress: object) -> None:
        output.write_text(json.dumps(document, indent=2))

    monkeypatch.setattr(compilation, "compile_pipeline", write)


def test_check_of_the_committed_file(penstock: Penstock, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled_as(monkeypatch, PIPELINE)
    assert penstock("pipeline", "compile", "--check", "--json").document["unchanged"] is True
    changed = PIPELINE | {"Version": "another"}
    compiled_as(monkeypatch, changed)
    outcome = penstock("pipeline", "compile", "--check", "--json")
    assert outcome.code == 1
    assert outcome.document["ok"] is False
    assert '+  "Version": "another",' in outcome.document["diff"]
    assert json.loads((repository / "pipeline.json").read_text()) == PIPELINE
    assert "is not what the sources compile to" in penstock("pipeline", "compile", "--check").err
    assert penstock("pipeline", "compile").code == 0
    assert json.loads((repository / "pipeline.json").read_text()) == changed
