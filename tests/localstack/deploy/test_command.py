"""`python -m penstock_deploy`, as a user without the `penstock` command runs it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from folder_stack import Stack


def command(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "penstock_deploy", *arguments, "--cwd", str(stack.directory), "--stack", stack.name],
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_up_outputs_and_destroy(stack: Stack) -> None:
    stack.write("pulumi.export('word', pulumi.Config().require('word'))\n")
    first = command(stack, "up", "--config", "word=hello")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "word: hello" in first.stdout
    assert "1 created" in first.stdout
    assert "\x1b" not in first.stdout
    assert json.loads(command(stack, "outputs").stdout) == {"word": "hello"}
    same = command(stack, "preview", "--config", "word=hello", "--json", "--expect-no-changes")
    assert same.returncode == 0
    assert json.loads(same.stdout)["counts"]["same"] == 1
    assert command(stack, "preview", "--config", "word=hello", "--config", "other=1").returncode == 0
    assert command(stack, "destroy").returncode == 0
    assert command(stack, "up", "--config", "word=hello", "--expect-no-changes").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("outputs",), "does not exist"),
        (("up", "--config", "word"), "write KEY=VALUE"),
        (("up", "--python", "/nowhere/python"), "not a Python interpreter"),
    ],
)
def test_wrong_use_is_said_without_a_traceback(stack: Stack, arguments: tuple[str, ...], message: str) -> None:
    result = command(stack, *arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_a_failure_is_told_on_the_error_stream_beside_the_json(stack: Stack) -> None:
    stack.write("import pulumi_aws as aws\naws.sns.Topic('t')\npulumi.export('x', 1)\n")
    result = command(stack, "up", "--json")
    assert result.returncode == 1
    assert json.loads(result.stdout)["ok"] is False
    assert "Could not connect to the endpoint URL" in result.stderr
    assert "aws:sns/topic:Topic::t" in result.stderr


def test_a_program_that_asks_for_another_package(stack: Stack) -> None:
    result = command(stack.write('Item("a")\n'), "preview")
    assert result.returncode == 1
    assert "the package 'folder'" in result.stdout
