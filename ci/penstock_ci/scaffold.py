"""A new model repository from the template: typed answers, git, and the local receiver told about it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import penstock_ci
from penstock_ci.errors import Failure, UserError, did_you_mean

NAME = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
PACKAGE = re.compile(r"^[a-z][a-z0-9_]*$")
REPOSITORY = re.compile(r"^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$")
REGION = re.compile(r"^[a-z]{2}(-[a-z]+)+-\d$")
ONE_LINE = re.compile(r"^[^\r\n]*$")

LONGEST_NAME = 40
"""Characters of a model's name: AWS allows 63 for an endpoint, and suffixes follow."""


@dataclass(frozen=True)
class Rule:
    """What an answer must look like."""

    pattern: re.Pattern[str]
    says: str
    longest: int = 200
    may_be_empty: bool = False


RULES = {
    "project_name": Rule(ONE_LINE, "a name for people, on one line"),
    "slug": Rule(NAME, "lower-case words with dashes, for example flight-delays", LONGEST_NAME),
    "package": Rule(PACKAGE, "a Python package's name, for example flight_delays", 60),
    "description": Rule(ONE_LINE, "one line", may_be_empty=True),
    "owner": Rule(re.compile(r"^[\w .@/+=:-]+$"), "a team or person, in letters that AWS allows in tags", 128),
    "cost_center": Rule(re.compile(r"^[\w .@/+=:-]+$"), "a cost centre, in letters that AWS allows in tags", 128),
    "github_repository": Rule(REPOSITORY, "a GitHub repository as owner/name"),
    "aws_region": Rule(REGION, "an AWS region, for example us-east-1"),
    "penstock_source": Rule(ONE_LINE, "a version, a git address or a folder of wheels", 1000),
}
PYTHON_WORDS = {"test", "tests", "penstock", "src", "infra", "features", "pipelines"}


def template_folder() -> Path:
    """The template of a model repository: inside the package in a wheel, `templates/model` in a checkout."""
    package = Path(penstock_ci.__file__).parent
    packaged = package / "templates/model"
    return packaged if packaged.is_dir() else package.parents[1] / "templates/model"


def questions() -> dict[str, Any]:
    """The template's questions with their defaults, as cookiecutter.json has them (private keys left out).

    Raises:
        UserError: this installation has no template.
    """
    file = template_folder() / "cookiecutter.json"
    try:
        context: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        raise UserError(f"the template is missing: {file}", "install penstock again") from None
    return {name: default for name, default in context.items() if not name.startswith("_")}


def parse_answers(pairs: list[str]) -> dict[str, str]:
    """Answers given as KEY=VALUE.

    Raises:
        UserError: a pair without `=`, a key that is not a question, an answer that breaks its rule.
    """
    answers: dict[str, str] = {}
    known = questions()
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign:
            raise UserError(f"'{pair}' is not KEY=VALUE", f"keys: {', '.join(known)}")
        if key not in known:
            raise UserError(
                f"the template has no question '{key}'{did_you_mean(key, known)}", f"questions: {', '.join(known)}"
            )
        answers[key] = value
    return answers


def check(answers: Mapping[str, str]) -> None:
    """Every answer against its rule.

    Raises:
        UserError: naming all the answers that break theirs.
    """
    faults = [fault for key, value in answers.items() if (fault := _fault(key, value))]
    if faults:
        raise UserError("; ".join(faults), "correct the answer and run it again")


def _fault(key: str, value: str) -> str:
    rule = RULES.get(key)
    if rule is None:
        return ""
    if not value.strip():
        return "" if rule.may_be_empty else f"{key} is empty: it must be {rule.says}"
    if len(value) > rule.longest:
        return f"{key} has {len(value)} characters, at most {rule.longest} are allowed"
    if not rule.pattern.match(value):
        return f"{key} is {value!r}: it must be {rule.says}"
    if key == "package" and value in PYTHON_WORDS:
        return f"{key} is {value!r}, a name that is taken: choose another"
    return ""


def installed_source() -> str:
    """What a generated repository installs Penstock from when nothing is said: this version."""
    return f"penstock=={version('penstock')}"


def checked_source(source: str) -> str:
    """A folder of wheels as an absolute path (workflows run in a copy of the repository); other sources as they are.

    Raises:
        UserError: the folder holds no wheel of Penstock.
    """
    folder = Path(source)
    if not folder.is_dir():
        if os.sep in source and "://" not in source and not source.startswith("git+"):
            raise UserError(f"the folder of wheels {source} does not exist", "build it: make wheels")
        return source
    if not list(folder.glob("penstock-*.whl")):
        raise UserError(f"{source} holds no wheel of Penstock (penstock-*.whl)", "build it: make wheels")
    return str(folder.resolve())


def defaults(answers: Mapping[str, str]) -> dict[str, str]:
    """Every question's answer, with the template's defaults worked out from the answers given."""
    from cookiecutter.environment import StrictEnvironment
    from cookiecutter.prompt import render_variable

    context: dict[str, Any] = json.loads((template_folder() / "cookiecutter.json").read_text())
    environment = StrictEnvironment(context={"cookiecutter": context}, **context.get("_jinja2_env_vars", {}))
    done: dict[str, Any] = {}
    for name, default in questions().items():
        done[name] = answers[name] if name in answers else render_variable(environment, default, done)
    return {name: str(value) for name, value in done.items()}


def generate(answers: Mapping[str, str], parent: Path) -> Path:
    """Render the template below `parent` and return the repository's folder.

    It is rendered aside and moved when complete, so a failure leaves nothing behind.

    Raises:
        UserError: the folder exists.
        Failure: the template or one of its hooks failed.
    """
    destination = parent.resolve() / answers["slug"]
    if destination.exists():
        raise UserError(f"{destination} exists already", "choose another slug or --folder; nothing was written")
    from cookiecutter.exceptions import CookiecutterException
    from cookiecutter.main import cookiecutter

    parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=".penstock-new-", dir=parent) as folder,
        tempfile.TemporaryFile("w+") as said,
    ):
        try:
            with _standard_output_to(said):
                made = cookiecutter(
                    str(template_folder()),
                    no_input=True,
                    extra_context=dict(answers),
                    output_dir=folder,
                    accept_hooks=True,
                    default_config=True,
                )
        except CookiecutterException as error:
            said.seek(0)
            raise Failure(
                f"the template could not be rendered: {error}", "check the answers", detail=said.read()
            ) from error
        shutil.move(made, destination)
    return destination


@contextmanager
def _standard_output_to(file: IO[str]) -> Iterator[None]:
    """What the template's hooks print goes to a file: hooks are processes, and stdout may belong to a JSON document."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    try:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        yield
    finally:
        for number, descriptor in zip((1, 2), kept, strict=True):
            os.dup2(descriptor, number)
            os.close(descriptor)


def first_commit(folder: Path) -> str:
    """`git init` on branch main and the first commit; returns its id.

    Raises:
        UserError: git is not installed.
        Failure: git refused.
    """
    if shutil.which("git") is None:
        raise UserError("git is not installed", "install git, then in the folder: git init && git add -A && git commit")
    identity = (
        []
        if _git(folder, "config", "user.email").strip()
        else ["-c", "user.name=Penstock", "-c", "user.email=penstock@localhost"]
    )
    for arguments in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["add", "--all"],
        [*identity, "commit", "--quiet", "--message", "Scaffold from Penstock's model template"],
    ):
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(
                f"git {arguments[0]} failed in {folder}", "the files are there: commit them by hand", detail=done.stderr
            )
    return _git(folder, "rev-parse", "HEAD").strip()


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False).stdout


def register_checkout(state: Path, repository: str, folder: Path) -> None:
    """Tell the local GitHub receiver where a repository's checkout is (`<state>/github/repositories.json`)."""
    from penstock_ci.github.state import GitHubState

    GitHubState(state).record(repository, folder)
