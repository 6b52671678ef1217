"""Every command in the README and the docs exists, with the options and the arguments that the docs give it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from penstock_ci.app import app
from penstock_deploy.cli.app import parser as pulumilocal
from penstock_deploy.cli.failures import CommandError
from penstock_infra import model
from penstock_pipelines import configuration

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)


def commands(page: Path) -> list[str]:
    return [line for block in BLOCK.findall(page.read_text()) for line in block.splitlines() if line.strip()]


ALL = [(page.name, line) for page in PAGES for line in commands(page)]
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
TEMPLATE = next(ROOT.glob("templates/model/*/Makefile"))
TEMPLATE_TARGETS = set(re.findall(r"^([a-z]+):", TEMPLATE.read_text(), re.MULTILINE))


def test_the_docs_have_commands() -> None:
    assert len(ALL) > 25


@pytest.mark.parametrize(("page", "line"), ALL, ids=[f"{page}: {line}" for page, line in ALL])
def test_command(page: str, line: str) -> None:
    words = shlex.split(line)
    if words[0] == "eval":
        words = shlex.split(words[1].removeprefix("$(").removesuffix(")"))
    if words[0] in {"cd", "source"}:
        return
    if words[0] == "make":
        assert set(words[1:]) <= TARGETS | TEMPLATE_TARGETS
        return
    if words[0] == "pulumilocal":
        # Parsing is the whole check: a flag or a verb that is not there, or is refused, raises.
        assert not hasattr(pulumilocal().parse_args(words[1:]), "refused")
        return
    assert words[0] == "penstock", line
    # `--help` at the end stops before the work, after everything before it was parsed.
    done = CliRunner().invoke(app, [*words[1:], "--help"])
    assert done.exit_code == 0, done.output


def test_a_wrong_option_would_be_found() -> None:
    done = CliRunner().invoke(app, ["rollback", "--versoin", "1", "--help"])
    assert done.exit_code == 2


@pytest.mark.parametrize(
    "words", [["up", "--yse"], ["stack", "outputs"], ["up", "--exclude", "urn"], ["config", "set"]]
)
def test_a_wrong_use_of_pulumilocal_would_be_found(words: list[str]) -> None:
    with pytest.raises(CommandError):
        pulumilocal().parse_args(words)


def test_the_settings_in_the_docs_are_read(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/data-scientist.md").read_text(), re.DOTALL)
    sections = [yaml.safe_load(block) for block in blocks]
    assert [list(section) for section in sections] == [["tracking"], ["quality"]]
    template = yaml.safe_load(re.sub(r"@\{\{.*?\}\}", "penstock-docs", TEMPLATE.with_name("penstock.yaml").read_text()))
    template |= {"package": "docs", "repository": "owner/name"}
    for section in sections:
        (tmp_path / "penstock.yaml").write_text(yaml.safe_dump(template | section))
        configuration.load(tmp_path)
        model.read(tmp_path / "penstock.yaml")


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
