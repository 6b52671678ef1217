"""Snapshots of a stopped cloud: names, what is left out, and errors that change nothing."""

from __future__ import annotations

import gzip
import json
import os
import socket
import tarfile
from pathlib import Path

import pytest

from penstock_cloud import compatibility, snapshots
from penstock_cloud.errors import CloudError
from penstock_cloud.state import StateFolder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateFolder:
    """A stopped cloud's state, made by hand."""
    monkeypatch.setenv("PENSTOCK_SNAPSHOTS_DIR", str(tmp_path / "snapshots"))
    made = StateFolder(tmp_path / "state")
    made.prepare()
    compatibility.write(made)
    for name, text in {
        "gateway/state/services.sqlite": "database",
        "gateway/state/services.sqlite-shm": "shared memory",
        "gateway/tmp/scratch": "scratch",
        "jobs/one/log.txt": "line",
        "jobs/one/ml/input": "large",
        "s3/bucket/objects/00/body.1": "body",
        "logs/gateway.log": "log",
        "images/a.json": json.dumps({"path": [f"{made.path}/images/a/bin"]}),
    }.items():
        (made.path / name).parent.mkdir(parents=True, exist_ok=True)
        (made.path / name).write_text(text)
    (made.path / "images/inside").symlink_to(made.images / "a.json")
    (made.path / "images/outside").symlink_to("/usr/bin/env")
    return made


def names(file: Path) -> set[str]:
    with tarfile.open(file) as archive:
        return {member.name for member in archive if not member.isdir()}


def test_what_a_snapshot_holds(folder: StateFolder) -> None:
    saved = snapshots.save(folder.path, "one")
    assert names(saved.file) == {
        "snapshot.json", "state/gateway/state/services.sqlite", "state/jobs/one/log.txt",
        "state/s3/bucket/objects/00/body.1", "state/images/a.json", "state/images/inside", "state/made-with.json",
        "state/github-token", "state/pulumi/passphrase",
    }  # fmt: skip
    assert saved.versions == compatibility.current()


def test_there_and_back_to_another_folder(folder: StateFolder, tmp_path: Path) -> None:
    snapshots.save(folder.path, "one")
    (folder.path / "s3/bucket/objects/00/body.1").write_text("changed later, in place")
    other = StateFolder(tmp_path / "other")
    snapshots.load(other.path, "one")
    assert (other.path / "s3/bucket/objects/00/body.1").read_text() == "body"
    assert other.passphrase.read_text() == folder.passphrase.read_text()
    assert other.passphrase.stat().st_mode & 0o077 == 0
    assert other.path.stat().st_mode & 0o077 == 0
    assert json.loads((other.images / "a.json").read_text())["path"] == [f"{other.path}/images/a/bin"]
    assert (other.images / "inside").resolve() == other.images / "a.json"
    assert other.lock.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "snapshots", "state"]


def test_a_path_instead_of_a_name(folder: StateFolder, tmp_path: Path) -> None:
    saved = snapshots.save(folder.path, str(tmp_path / "deep/there.tar.gz"))
    assert saved.file == tmp_path / "deep/there.tar.gz"
    assert snapshots.known() == []
    assert snapshots.load(tmp_path / "other", str(saved.file)).name == "there"


@pytest.mark.parametrize("name", ["", ".hidden", "a b", "ä", "a" * 101])
def test_a_name_that_is_none(folder: StateFolder, name: str) -> None:
    with pytest.raises(CloudError, match="cannot be the name of a snapshot"):
        snapshots.save(folder.path, name)


def test_an_unknown_name_lists_what_is_there(folder: StateFolder, tmp_path: Path) -> None:
    snapshots.save(folder.path, "one")
    with pytest.raises(CloudError, match="there is no snapshot 'two'") as error:
        snapshots.load(tmp_path / "other", "two")
    assert error.value.fix.endswith(": one")
    assert not (tmp_path / "other").exists()


def test_nothing_to_save(tmp_path: Path) -> None:
    with pytest.raises(CloudError, match="there is no local cloud in"):
        snapshots.save(tmp_path / "none", "one")
    assert not (tmp_path / "none").exists()


def test_a_snapshot_of_another_version_is_refused(folder: StateFolder, tmp_path: Path) -> None:
    folder.made_with.write_text(json.dumps({**compatibility.current(), "moto-ext": "0"}))
    snapshots.save(folder.path, "old")
    with pytest.raises(CloudError, match=r"was made by another version of Penstock: moto-ext 0") as error:
        snapshots.load(tmp_path / "other", "old")
    assert "load it with the version" in error.value.fix
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("how", ["no archive", "another archive", "cut off"])
def test_what_is_no_whole_snapshot_changes_nothing(folder: StateFolder, how: str) -> None:
    (folder.path / "s3/bucket/objects/00/random.2").write_bytes(os.urandom(200_000))
    file = snapshots.save(folder.path, "broken").file
    if how == "no archive":
        file.write_text("thesis")
    elif how == "another archive":
        with tarfile.open(file, "w:gz") as archive:
            archive.add(folder.made_with, "made-with.json")
    else:
        file.write_bytes(file.read_bytes()[:100_000])
    before = sorted(path.relative_to(folder.path) for path in folder.path.rglob("*"))
    with pytest.raises(CloudError):
        snapshots.load(folder.path, "broken", replace=True)
    after = sorted(path.relative_to(folder.path) for path in folder.path.rglob("*"))
    assert after == before
    assert not list(folder.path.parent.glob(".*"))


def test_a_foreign_folder_is_left_alone(folder: StateFolder, tmp_path: Path) -> None:
    snapshots.save(folder.path, "one")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("years of work")
    with pytest.raises(CloudError, match="does not look like a local cloud's state folder"):
        snapshots.load(foreign, "one", replace=True)
    assert (foreign / "thesis.txt").exists()


def test_links_out_of_the_snapshot_are_not_followed(folder: StateFolder, tmp_path: Path) -> None:
    """A file that somebody made by hand cannot write outside of the folder."""
    file = snapshots.save(folder.path, "one").file
    with gzip.open(file) as stream, tarfile.open(fileobj=stream) as archive, tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as evil:  # fmt: skip # noqa: E501
        for member in archive:
            evil.addfile(member, archive.extractfile(member) if member.isfile() else None)
        member = tarfile.TarInfo("state/../../escaped")
        evil.addfile(member)
    with pytest.raises(CloudError, match="cannot be read"):
        snapshots.load(tmp_path / "other", str(tmp_path / "evil.tar.gz"))
    assert not (tmp_path / "escaped").exists()
    assert not (tmp_path / "other").exists()


def test_sockets_are_left_out(folder: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    place = folder.path / "endpoints"
    place.mkdir()
    monkeypatch.chdir(place)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("s")
        saved = snapshots.save(folder.path, "one")
    assert "state/endpoints/s" not in names(saved.file)
