"""What a demo runs on: folders, port, months of data, numbers of rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

MODEL = "flight-delays"
DEPLOYED = "flight-delays-local"
"""What its things are called on the local stack."""
REPOSITORY = "acme/flight-delays"
PROJECT_NAME = "Flight delays"


@dataclass(frozen=True)
class Calendar:
    """Which months land when, and which days are replayed. Windows end exclusive."""

    first: tuple[int, ...]
    """Months of the first landing, before there is a model."""
    evaluation: tuple[int, ...]
    """Months that land before the first training run, which keeps them for evaluation."""
    later: tuple[int, ...]
    """Months that land before drift is looked for; the last one compares the two versions."""
    serve: tuple[date, date]
    """Days whose flights are predicted and whose online features are compared with the offline ones."""
    unshifted: tuple[date, date]
    """Days that are replayed without an alarm."""
    shifted: tuple[date, date]
    """Days that are replayed and raise one."""


FULL = Calendar(
    first=(1, 2, 3, 4, 5, 6),
    evaluation=(7, 8),
    later=(9, 10, 11),
    serve=(date(2013, 8, 25), date(2013, 9, 1)),
    unshifted=(date(2013, 7, 1), date(2013, 9, 1)),
    shifted=(date(2013, 9, 1), date(2013, 11, 1)),
)


@dataclass(frozen=True)
class Settings:
    """One demo run.

    Attributes:
        checkout: Penstock's own source tree, from which the wheel is built.
        folder: Where everything goes: state, model repository, logs, run.json, report.html.
        port: The gateway's port.
        sample: Keep this share of the flights of each day (1.0: all); for the test of the demo itself.
        destroy: Take everything away at the end, and check that nothing is left.
        seed: Seed of every random choice.
    """

    checkout: Path
    folder: Path
    port: int = 4566
    sample: float = 1.0
    destroy: bool = False
    seed: int = 7
    calendar: Calendar = FULL
    replayed_rows: int = 1500
    checked_rows: int = 1000
    predicted_rows: int = 50

    @property
    def state(self) -> Path:
        """The local cloud's state folder."""
        return self.folder / "state"

    @property
    def wheels(self) -> Path:
        """The folder of wheels that the model repository installs from."""
        return self.folder / "wheels"

    @property
    def repository(self) -> Path:
        """The model repository."""
        return self.folder / MODEL

    @property
    def logs(self) -> Path:
        """One log for each stage."""
        return self.folder / "logs"

    @property
    def run_file(self) -> Path:
        """What the run leaves for machines."""
        return self.folder / "run.json"

    @property
    def report(self) -> Path:
        """What it leaves for people."""
        return self.folder / "report.html"
