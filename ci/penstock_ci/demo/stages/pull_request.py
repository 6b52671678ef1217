"""Stage 6: a pull request that adds a bucket; the repository's own workflow runs under act and comments."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from penstock_ci.comment.markdown import MARKER
from penstock_ci.demo.session import Facts, Session, check
from penstock_ci.demo.settings import REPOSITORY
from penstock_ci.github.client import GitHub

BRANCH = "notebooks-bucket"
IMPORTS = "from penstock_infra.components.private_bucket import PrivateBucket, PrivateBucketArguments\n"
BUCKET = """
PrivateBucket(
    "notebooks",
    PrivateBucketArguments(placement=placement, purpose="notebooks", key_arn=foundation.data_key_arn),
)
"""
LOGGED_BUCKET = """
PrivateBucket(
    "notebooks",
    PrivateBucketArguments(
        placement=placement,
        purpose="notebooks",
        key_arn=foundation.data_key_arn,
        log_bucket=foundation.log_bucket,
    ),
)
"""


def run(session: Session) -> Facts:
    """Branch, commit, workflow, comment; then change the bucket, and the comment changes with it."""
    settings = session.settings
    program = settings.repository / "infra" / "__main__.py"
    original = program.read_text(encoding="utf-8")
    session.git("switch", "--quiet", "--create", BRANCH)
    before, configuration, after = original.partition("from penstock_infra.configuration")
    with_import = f"{before}{IMPORTS}{configuration}{after}"
    program.write_text(with_import + BUCKET, encoding="utf-8")
    session.git("commit", "--quiet", "--all", "--message", "A bucket for the outputs of notebooks")
    payload = _open(session)
    result = session.in_repository("ci", "run", "pull_request", "--payload", str(payload))
    first = _comment(session)
    preview = session.in_repository("preview", "infra")
    check(
        counts(first["body"]) == _without_zero(preview["counts"]),
        f"the comment says {counts(first['body'])}, and preview --json {preview['counts']}",
    )
    check("No champion yet" in first["body"], "the comment does not say that there is no champion yet")

    # The next commit changes the bucket; the same verbs, by hand this time, change the same comment.
    program.write_text(with_import + LOGGED_BUCKET, encoding="utf-8")
    session.git("commit", "--quiet", "--all", "--message", "Log who reads the bucket")
    second = _comment_again(session, result)
    check(second["id"] == first["id"], "the second run added a comment instead of changing the first")
    check(counts(second["body"]) != counts(first["body"]), "the bucket was changed, and the comment was not")
    program.write_text(original, encoding="utf-8")
    session.git("commit", "--quiet", "--all", "--message", "No bucket after all")
    (settings.folder / "comment.md").write_text(first["body"], encoding="utf-8")
    jobs = {job["name"].split("/")[-1].strip(): job["status"] for job in result["jobs"]}
    return {
        "workflow": f"pull-request.yml, {result['seconds']:.0f} s",
        "jobs": ", ".join(f"{name} {status}" for name, status in jobs.items()),
        "comment": _words(counts(first["body"])),
        "after changing the bucket": _words(counts(second["body"])),
    }


def _open(session: Session) -> Any:
    """Open the pull request at the receiver; a file with its event as GitHub sends it."""
    head = session.git("rev-parse", "HEAD")
    base = session.git("rev-parse", "main")
    with _github(session) as github:
        opened = github.open_pull("A bucket for the outputs of notebooks", BRANCH, "main")
    payload = {
        "action": "opened",
        "number": opened["number"],
        "pull_request": {
            "number": opened["number"],
            "title": opened["title"],
            "head": {"ref": BRANCH, "sha": head},
            "base": {"ref": "main", "sha": base},
        },
    }
    file = session.settings.folder / "pull-request.json"
    file.write_text(json.dumps(payload, indent=2), encoding="utf-8")
    return file


def _github(session: Session) -> GitHub:
    return GitHub(session.variables["GITHUB_API_URL"], session.variables["GITHUB_TOKEN"], REPOSITORY)


def _comment(session: Session) -> dict[str, Any]:
    """The one comment that the workflow wrote."""
    with _github(session) as github:
        found = [comment for comment in github.comments(1) if MARKER in comment["body"]]
    check(len(found) == 1, f"the pull request has {len(found)} comments of the workflow, not one")
    return found[0]


def _comment_again(session: Session, result: dict[str, Any]) -> dict[str, Any]:
    """Preview and comment by hand, with the other reports of the workflow's run."""
    from pathlib import Path
    from shutil import copytree

    settings = session.settings
    reports = settings.repository / "build" / "ci"
    for kept in Path(result["log"]).parent.joinpath("artifacts").glob("ci-*"):
        copytree(kept, reports, dirs_exist_ok=True)
    preview = session.in_repository("preview", "infra")
    (reports / "preview.json").write_text(json.dumps(preview), encoding="utf-8")
    github = {name: session.variables[name] for name in ("GITHUB_API_URL", "GITHUB_TOKEN")}
    session.command(
        [sys.executable, "-m", "penstock_ci", "ci", "comment", "--number", "1"],
        settings.repository,
        environment=session.environment() | github | {"GITHUB_REPOSITORY": REPOSITORY},
    )
    second = _comment(session)
    check(
        counts(second["body"]) == _without_zero(preview["counts"]),
        f"the comment says {counts(second['body'])}, and preview --json {preview['counts']}",
    )
    return second


def counts(comment: str) -> dict[str, int]:
    """The counts in a comment's first table, those that are not zero."""
    lines = comment.splitlines()
    for number, line in enumerate(lines):
        if re.match(r"\| create \|", line):
            names = [cell.strip() for cell in line.strip("|").split("|")]
            values = [int(cell) for cell in lines[number + 2].strip("|").split("|")]
            return _without_zero(dict(zip(names, values, strict=True)))
    return {}


def _without_zero(found: dict[str, int]) -> dict[str, int]:
    return {name: value for name, value in found.items() if value}


def _words(found: dict[str, int]) -> str:
    return ", ".join(f"{value} {name}" for name, value in found.items()) or "no changes"
