"""Assets and archives: their hashes are Pulumi's, what is in them is compared, and paths are the program's."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import psutil
import pytest
from folder_stack import Stack

from penstock_deploy import DeploymentError, assets
from penstock_deploy.errors import UnsupportedError
from penstock_deploy.plugins.interface import UPDATE, Subject
from penstock_deploy.plugins.process import ProviderProcess
from penstock_deploy.provider.core import AwsProvider
from penstock_deploy.target import Target
from penstock_deploy.values import ARCHIVE_SIGNATURE, ASSET_SIGNATURE, SIGNATURE, Secret

TARGET = Target("http://127.0.0.1:1", "us-east-1", "000000000000", "test")


def text(of: str) -> dict[str, object]:
    return {SIGNATURE: ASSET_SIGNATURE, "text": of}


def archive(**fields: object) -> dict[str, object]:
    return {SIGNATURE: ARCHIVE_SIGNATURE, **fields}


HASHES = {  # made with the archive/tar package that Pulumi's engine uses
    "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef": {},
    "f9141074f8a0b4918ace64f35394a6a561342c77043d4286eddb660840980239": {"a/b.txt": "hello", "z.py": "x" * 1024},
    "be8427d974fc28d19edb857e3425792eb25bea636a14af4b4d5cd9cd1aab26ca": {"d" * 90 + "/" + "e" * 50 + "/f.txt": "1"},
}


@pytest.mark.parametrize("expected", HASHES)
def test_the_hash_of_an_archive_is_that_of_pulumis_engine(expected: str) -> None:
    made = archive(assets={name: text(content) for name, content in HASHES[expected].items()})
    assert assets.hashed(made, Path())["hash"] == expected


def test_a_folder_named_assets_and_a_tar_file_of_the_same_files(tmp_path: Path) -> None:
    folder = tmp_path / "code"
    (folder / "a").mkdir(parents=True)
    (folder / "a/b.txt").write_text("hello")
    (folder / "z.py").write_text("x" * 1024)
    (folder / ".pulumi").mkdir()
    (folder / ".pulumi/skipped").write_text("x")
    (folder / "linked").symlink_to("a")
    [expected] = [known for known, files in HASHES.items() if "z.py" in files]
    assert assets.hashed(archive(path="code"), tmp_path)["hash"] == expected
    nested = archive(assets={".": archive(path="code"), "z.py": text("the first of a name counts")})
    assert assets.hashed(nested, tmp_path)["hash"] == expected
    assert [name for name, _ in assets.members(nested, tmp_path)] == ["a/b.txt", "z.py"]
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "gztar", folder))
    with tarfile.open(packed) as tar:
        assert "./a/b.txt" in tar.getnames()
    found = dict(assets.members(archive(path=packed.name), tmp_path))
    assert found["a/b.txt"] == b"hello"


def test_a_zip_file_is_passed_on_and_others_are_packed_the_same_every_time(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("one")
    made = archive(assets={"in/one.txt": {SIGNATURE: ASSET_SIGNATURE, "path": "one.txt"}, "two.txt": text("two")})
    packed = assets.zipped(made, tmp_path)
    assert packed == assets.zipped(made, tmp_path)
    with zipfile.ZipFile(io.BytesIO(packed)) as file:
        assert {name: file.read(name) for name in file.namelist()} == {"in/one.txt": b"one", "two.txt": b"two"}
        assert all(entry.external_attr >> 16 == 0o644 for entry in file.infolist()), "others may read what is unpacked"
    (tmp_path / "given.zip").write_bytes(packed)
    assert assets.zipped(archive(path="given.zip"), tmp_path) == packed
    assert assets.zipped(archive(uri=(tmp_path / "given.zip").as_uri()), Path("/nowhere")) == packed


def test_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("x")
    (tmp_path / "bad.zip").write_text("no zip")
    with pytest.raises(DeploymentError, match=r"absent\.txt cannot be read: No such file"):
        assets.hashed({SIGNATURE: ASSET_SIGNATURE, "path": "absent.txt"}, tmp_path)
    with pytest.raises(DeploymentError, match="absent is not there"):
        assets.hashed(archive(path="absent"), tmp_path)
    with pytest.raises(DeploymentError, match=r"plain\.txt is neither a folder nor a \.zip"):
        assets.hashed(archive(path="plain.txt"), tmp_path)
    with pytest.raises(DeploymentError, match=r"bad\.zip is damaged"):
        list(assets.members(archive(path="bad.zip"), tmp_path))
    with pytest.raises(UnsupportedError, match=r"https://example\.com/x\.zip is not supported"):
        assets.hashed([Secret(archive(uri="https://example.com/x.zip"))], tmp_path)


def test_they_are_compared_by_content_and_shown_by_name() -> None:
    one = assets.hashed({"code": archive(assets={"a": text("1")})}, Path())
    same = assets.hashed({"code": archive(assets={"./a".removeprefix("./"): text("1")})}, Path())
    other = assets.hashed({"code": archive(assets={"a": text("2")})}, Path())
    assert assets.digests(one) == assets.digests(same) != assets.digests(other)
    assert assets.label({**text("x"), "path": "./a.py", "hash": "0123456789"}) == "asset(file:./a.py 0123456)"
    assert assets.label(archive(assets={})) == "archive(assets)"


PROGRAM = """
code = pulumi.AssetArchive({"main.py": pulumi.FileAsset("handler.py"), "note.txt": pulumi.StringAsset("n")})
Item("fn", name="fn", text=code, hidden=pulumi.Output.secret(pulumi.StringAsset("top-secret-text")))
"""


def test_a_changed_file_is_an_update_and_nothing_else_is(stack: Stack) -> None:
    handler = stack.directory / "handler.py"
    handler.write_text("print(1)")
    stack.up(PROGRAM)
    kept = stack.resource("fn")["inputs"]["text"]
    assert kept["assets"]["main.py"]["path"] == "handler.py", "as the program says it: another checkout has the same"
    assert len(kept["hash"]) == 64
    assert "top-secret-text" not in stack.state_path.read_text()
    assert not stack.up().has_changes
    handler.write_text("print(2)")
    result = stack.up()
    assert result.counts["update"] == 1
    handler.unlink()
    broken = stack.run("preview")
    assert f"{handler} cannot be read" in broken.errors[0]
    assert "::fn" in broken.errors[0]


def test_the_provider_compares_what_is_in_them(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/main.py").write_text("1")
    token = "aws:lambda/function:Function"
    provider = AwsProvider(TARGET, {}, tmp_path)
    given = {"name": "fn", "role": "r", "handler": "main.f", "runtime": "python3.13"}

    def changes(code: dict[str, object]) -> dict[str, int]:
        old = assets.hashed({**given, "code": archive(path="code")}, tmp_path)
        new = assets.hashed({**given, "code": code}, tmp_path)
        return provider.diff(Subject(f"urn:pulumi:dev::app::{token}::fn", token, "fn"), "fn", old, {}, new, []).detailed

    assert changes(archive(assets={"main.py": text("1")})) == {}, "the same, from elsewhere"
    assert changes(archive(assets={"main.py": text("2")})) == {"code": UPDATE}


def test_a_provider_in_a_process_of_its_own_reads_where_the_program_runs(tmp_path: Path) -> None:
    provider = ProviderProcess(TARGET, {}, {}, tmp_path)
    try:
        assert Path(psutil.Process(provider._process.pid).cwd()) == tmp_path.resolve()
    finally:
        provider.close()
