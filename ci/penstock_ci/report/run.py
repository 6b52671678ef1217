"""`run.json`: what a run of the whole loop leaves for machines, and the report's only source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from penstock_ci.errors import UserError


class Section(BaseModel):
    """Fields that are not known here stay: the file may grow."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Stage(Section):
    """One stage of the loop. `seconds` is its wall time, `facts` what it found out, in words or numbers."""

    name: str
    title: str = ""
    status: Literal["ok", "failed", "skipped"]
    seconds: float
    facts: dict[str, Any] = Field(default_factory=dict)
    error: str | None = None


class Version(Section):
    """One version of the model, as the registry has it."""

    version: int
    status: str
    metrics: dict[str, float] = Field(default_factory=dict)
    trained: str = ""
    evaluated: str = ""
    git_commit: str = ""
    data_version: str = ""
    image: str = ""


class Contender(Section):
    version: int
    metrics: dict[str, float]


class Comparison(Section):
    """Two versions, measured on the same rows."""

    rows: str
    champion: Contender
    challenger: Contender


class Feature(Section):
    """How far one watched column moved: `baseline` and `observed` are shares of the `bins`, in order."""

    name: str
    distance: float
    threshold: float
    violated: bool
    bins: list[str] = Field(default_factory=list)
    baseline: list[float] = Field(default_factory=list)
    observed: list[float] = Field(default_factory=list)


class Drift(Section):
    unshifted: list[Feature] = Field(default_factory=list)
    shifted: list[Feature] = Field(default_factory=list)


class Resource(Section):
    project: str
    type: str
    name: str
    state: str


class Findings(Section):
    """What the charts and tables show. A run that stopped early has less of it."""

    definition: dict[str, Any] | None = None
    versions: list[Version] = Field(default_factory=list)
    comparison: Comparison | None = None
    drift: Drift | None = None
    resources: list[Resource] = Field(default_factory=list)


class Run(Section):
    ok: bool
    stages: list[Stage]
    started: str = ""
    seconds: float = 0.0
    seed: int | None = None
    report: Findings = Field(default_factory=Findings)


def load(file: Path) -> Run:
    """Read a run. Raises UserError where there is none, or where it is no run."""
    try:
        return Run.model_validate(json.loads(file.read_text()))
    except FileNotFoundError as error:
        raise UserError(f"there is no run at {file}", fix="run `make demo` first") from error
    except (json.JSONDecodeError, ValidationError) as error:
        raise UserError(f"{file} is not a run: {error}", fix="run `make demo` again, or name another file") from error
