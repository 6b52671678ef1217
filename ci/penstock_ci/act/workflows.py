"""What a repository's workflow files say: events, pins of actions, runner labels, concurrency groups."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from penstock_ci.errors import UserError, did_you_mean

WORKFLOWS = Path(".github/workflows")
ACTIONS = Path(".github/actions")
STUBS = Path(".act/stubs")
BUILT_IN = frozenset({"actions/checkout"})
"""Actions that act answers by itself, from the worktree."""


@dataclass(frozen=True)
class Use:
    """A `uses:` of an action that lives in another repository.

    Attributes:
        action: `owner/repository`, or `owner/repository/folder`.
        ref: What stands after the `@`.
        file: The file that says it.
    """

    action: str
    ref: str
    file: Path

    @property
    def repository(self) -> str:
        """`owner/repository`."""
        return "/".join(self.action.split("/")[:2])

    @property
    def key(self) -> str:
        """`owner/repository@ref`, as act's --local-repository wants it."""
        return f"{self.repository}@{self.ref}"

    @property
    def stub(self) -> Path:
        """Where the repository keeps the stand-in, relative to its root."""
        return STUBS / self.repository.split("/")[1]

    @property
    def pinned(self) -> bool:
        """Whether the reference is a full commit id."""
        return re.fullmatch(r"[0-9a-f]{40}", self.ref) is not None


@dataclass(frozen=True)
class Workflow:
    """One file of `.github/workflows`.

    Attributes:
        path: The file, relative to the repository.
        name: Its `name:`, or the file's name.
        events: Event name -> its filters (`types`, `branches`, ...).
        labels: Every literal `runs-on` label of its jobs.
        group: The text of its `concurrency.group`, or an empty string.
        cancels: Whether a newer run of the group cancels the older one (`cancel-in-progress`).
        jobs: The jobs' ids.
    """

    path: Path
    name: str
    events: dict[str, dict[str, Any]]
    labels: frozenset[str]
    group: str
    cancels: bool
    jobs: tuple[str, ...]
    document: dict[str, Any] = field(repr=False, compare=False, default_factory=dict)

    def answers(self, event: str, action: str = "", branch: str = "") -> bool:
        """Whether an event starts this workflow on GitHub: act itself looks at the event's name only.

        Args:
            event: `push`, `repository_dispatch`, ...
            action: The event's activity type (`opened`), or a dispatch's `event_type`; empty: not looked at.
            branch: The branch pushed to, or a pull request's base; empty: not looked at.
        """
        if event not in self.events:
            return False
        filters = self.events[event]
        types = filters.get("types")
        if action and types and action not in _texts(types):
            return False
        branches = filters.get("branches")
        return not (branch and branches and not any(_matches(pattern, branch) for pattern in _texts(branches)))


def _texts(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _matches(pattern: str, branch: str) -> bool:
    """GitHub's branch patterns: `*` stops at a slash, `**` does not."""
    expression = re.escape(pattern).replace(r"\*\*", ".*").replace(r"\*", "[^/]*").replace(r"\?", ".?")
    return re.fullmatch(expression, branch) is not None


def _events(on: Any) -> dict[str, dict[str, Any]]:
    if isinstance(on, str):
        return {on: {}}
    if isinstance(on, list):
        return {str(event): {} for event in on}
    if isinstance(on, dict):
        return {str(event): filters if isinstance(filters, dict) else {} for event, filters in on.items()}
    return {}


def _document(path: Path) -> dict[Any, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise UserError(
            f"{path} is not valid YAML: {str(error).splitlines()[-1].strip()}", "correct the file"
        ) from error
    if not isinstance(document, dict):
        raise UserError(f"{path} holds no mapping at its top", "a workflow file starts with name:, on: and jobs:")
    return document


def read(path: Path, repository: Path) -> Workflow:
    """Read one workflow file.

    Raises:
        UserError: the file is not a workflow.
    """
    document: dict[Any, Any] = _document(path)
    jobs = document.get("jobs")
    on = document.get("on", document.get(True))  # YAML 1.1 reads a bare `on` as true
    if not isinstance(jobs, dict) or on is None:
        raise UserError(f"{path} is not a workflow: it has no {'on' if on is None else 'jobs'}:", "correct the file")
    labels = set[str]()
    for job in jobs.values():
        if isinstance(job, dict):
            labels.update(label for label in _texts(job.get("runs-on") or []) if "${{" not in label)
    concurrency = document.get("concurrency") or {}
    if isinstance(concurrency, str):
        concurrency = {"group": concurrency}
    return Workflow(
        path=path.relative_to(repository),
        name=str(document.get("name") or path.name),
        events=_events(on),
        labels=frozenset(labels),
        group=str(concurrency.get("group") or ""),
        cancels=concurrency.get("cancel-in-progress") is True,
        jobs=tuple(str(job) for job in jobs),
        document=document,
    )


def of(repository: Path) -> list[Workflow]:
    """The repository's workflows, by file name.

    Raises:
        UserError: there are none, or one cannot be read.
    """
    folder = repository / WORKFLOWS
    files = sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")])
    if not files:
        raise UserError(
            f"{repository} has no workflows in {WORKFLOWS}",
            "run it in a model repository, or name one with --repository",
        )
    return [read(path, repository) for path in files]


def select(repository: Path, event: str, *, action: str = "", branch: str = "", file: str = "") -> list[Workflow]:
    """The workflows that an event starts.

    Args:
        file: The name or path of one workflow file; only that one is looked at.

    Raises:
        UserError: nothing answers the event, or the file does not exist.
    """
    found = of(repository)
    if file:
        wanted = Path(file).name
        named = [workflow for workflow in found if workflow.path.name == wanted]
        if not named:
            names = [workflow.path.name for workflow in found]
            raise UserError(
                f"there is no workflow {file}{did_you_mean(wanted, names)}", f"there are: {', '.join(names)}"
            )
        found = named
    matching = [workflow for workflow in found if workflow.answers(event, action, branch)]
    if not matching:
        known = sorted({name for workflow in found for name in workflow.events})
        what = f"{event} ({action})" if action else event
        raise UserError(
            f"no workflow answers the event {what}{did_you_mean(event, known)}",
            f"events that are answered here: {', '.join(known)}",
        )
    return matching


def _uses_in(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "uses" and isinstance(value, str):
                yield value
            else:
                yield from _uses_in(value)
    elif isinstance(node, list):
        for item in node:
            yield from _uses_in(item)


def remote_uses(repository: Path) -> list[Use]:
    """Every action of another repository that the workflows and the repository's own actions name."""
    folder = repository / ACTIONS
    files = [repository / workflow.path for workflow in of(repository)]
    files += sorted([*folder.glob("*/action.yml"), *folder.glob("*/action.yaml")])
    found = dict[tuple[str, str], Use]()
    for file in files:
        for text in _uses_in(_document(file)):
            if text.startswith(("./", "docker://")) or "@" not in text:
                continue
            action, _, ref = text.partition("@")
            found.setdefault((action, ref), Use(action, ref, file.relative_to(repository)))
    return list(found.values())


def stand_ins(repository: Path) -> dict[str, Path]:
    """`owner/repository@ref` -> folder of the stand-in, for every action that act would fetch otherwise.

    Raises:
        UserError: an action has no stand-in, or is used from a folder that the stand-in does not have.
    """
    answers = dict[str, Path]()
    for use in remote_uses(repository):
        if use.repository in BUILT_IN:
            continue
        folder = use.action.split("/", 2)[2] if use.action.count("/") > 1 else ""
        if not any((repository / use.stub / folder / name).is_file() for name in ("action.yml", "action.yaml")):
            raise UserError(
                f"{use.file} uses {use.action}@{use.ref}, which has no stand-in for local runs",
                f"add {use.stub / folder / 'action.yml'}: a composite action with the same inputs and outputs",
            )
        answers[use.key] = use.stub
    return answers
