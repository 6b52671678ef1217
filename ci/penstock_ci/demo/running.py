"""Runs the stages in order, tells how it goes, and always leaves `run.json`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from penstock_ci.demo.session import Facts, Session
from penstock_ci.demo.settings import Settings
from penstock_ci.errors import UserError, explain
from penstock_ci.output import is_terminal, styled


@dataclass(frozen=True)
class Stage:
    """One stage: a name for machines, a title for people, and what it does."""

    name: str
    title: str
    run: Callable[[Session], Facts]


class Display:
    """A line with a spinner and the stage's newest words on a terminal; plain lines elsewhere."""

    def __init__(self) -> None:
        self._status: Any = None
        if is_terminal(sys.stdout):
            from rich.console import Console

            self._console: Any = Console()
        else:
            self._console = None
        self._label = ""
        self._began = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def begin(self, number: int, count: int, title: str) -> None:
        """A stage begins."""
        self._label = f"[{number:>2}/{count}] {title}"
        self._began = time.monotonic()
        if self._console is not None:
            self._status = self._console.status(self._label)
            self._status.start()
        else:
            print(self._label, flush=True)

    def say(self, text: str) -> None:
        """What is going on."""
        if self._status is not None:
            from rich.markup import escape

            self._status.update(
                f"{self._label} [dim]{time.monotonic() - self._began:4.0f} s  {escape(text[:100])}[/dim]"
            )
        elif self._console is None:
            print(f"        {text}", flush=True)

    def end(self, ok: bool, seconds: float, facts: Facts) -> None:
        """It has ended."""
        self._stop()
        mark = styled("✓", "green", sys.stdout) if ok else styled("✗", "red", sys.stdout)
        print(f"{mark} {self._label}  {styled(f'{seconds:.1f} s', 'dim', sys.stdout)}", flush=True)
        for label, value in facts.items():
            print(f"        {label}: {value}", flush=True)

    def _stop(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


def run(settings: Settings, stages: Sequence[Stage], *, finish: Callable[[Session], object] | None = None) -> bool:
    """Run the stages; the first failure ends the run, and the rest are skipped.

    Args:
        finish: Called when all stages are through and run.json is whole, to write what is made from it.

    Returns:
        Whether every stage succeeded.
    """
    started = datetime.now(UTC)
    began = time.monotonic()
    done: list[dict[str, Any]] = []
    problem: UserError | None = None
    settings.folder.mkdir(parents=True, exist_ok=True)
    settings.run_file.unlink(missing_ok=True)
    with Display() as display:
        session = Session(settings, display.say)

        def write(ok: bool) -> None:
            document = {
                "ok": ok,
                "started": started.isoformat(timespec="seconds"),
                "seconds": round(time.monotonic() - began, 1),
                "seed": settings.seed,
                "sample": settings.sample,
                "stages": done,
                "report": session.findings,
            }
            part = settings.run_file.with_suffix(".part")
            part.write_text(json.dumps(document, indent=2, default=str) + "\n", encoding="utf-8")
            part.replace(settings.run_file)

        try:
            for number, stage in enumerate(stages, 1):
                if problem is not None:
                    done.append(_skipped(stage))
                    continue
                display.begin(number, len(stages), stage.title)
                entry, problem = _one(stage, session)
                done.append(entry)
                display.end(problem is None, entry["seconds"], entry["facts"])
                write(False)
        except BaseException:
            done += [_skipped(stage) for stage in stages[len(done) :]]
            write(False)
            raise
        write(problem is None)
    _finish(session, finish)
    if problem is not None:
        _explain(problem, settings)
    return problem is None


def _finish(session: Session, finish: Callable[[Session], object] | None) -> None:
    """What is made of the run must not hide how the run went."""
    if finish is None:
        return
    try:
        finish(session)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and the run's outcome stands
        print(f"the report could not be written: {error}", file=sys.stderr)


def _skipped(stage: Stage) -> dict[str, Any]:
    return {"name": stage.name, "title": stage.title, "status": "skipped", "seconds": 0.0, "facts": {}}


def _one(stage: Stage, session: Session) -> tuple[dict[str, Any], UserError | None]:
    began = time.monotonic()
    session.settings.logs.mkdir(parents=True, exist_ok=True)
    entry: dict[str, Any] = {"name": stage.name, "title": stage.title, "status": "failed", "seconds": 0.0, "facts": {}}
    problem: UserError | None = None
    with (session.settings.logs / f"{stage.name}.log").open("w", encoding="utf-8") as log:
        session.log = log
        try:
            entry["facts"] = stage.run(session)
            entry["status"] = "ok"
        except KeyboardInterrupt:
            entry["error"] = "interrupted"
            raise
        except Exception as error:  # noqa: BLE001 - becomes the stage's failure, with its traceback in the log
            import traceback

            log.write(traceback.format_exc())
            problem = explain(error) or UserError(
                f"{type(error).__name__}: {error}", "this is a defect of Penstock: the stage's log has the traceback"
            )
            entry["error"] = problem.message
        finally:
            session.log = None
            entry["seconds"] = round(time.monotonic() - began, 2)
    return entry, problem


def _explain(problem: UserError, settings: Settings) -> None:
    from penstock_ci.output import print_error

    print_error(problem)
    print(f"  logs: {settings.logs} and {settings.state / 'logs'}", file=sys.stderr)
    print(f"  the local cloud is left as it is: PENSTOCK_STATE_DIR={settings.state} penstock status", file=sys.stderr)
