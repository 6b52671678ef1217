"""The user's code: brought to a folder, its requirements installed."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from penstock_services.containers.framework.failure import UserError


def bring(location: str, folder: Path) -> Path:
    """The folder with the code of a submit directory: an S3 URI of a .tar.gz, such a file, or a folder as it is."""
    parts = urlsplit(location)
    if parts.scheme == "s3":
        with tempfile.TemporaryDirectory() as temporary:
            archive = Path(temporary) / "source.tar.gz"
            _download(parts.netloc, parts.path.lstrip("/"), archive, location)
            return _unpack(archive, folder)
    path = Path(parts.path if parts.scheme == "file" else location)
    if path.is_dir():
        return path
    if path.is_file():
        return _unpack(path, folder)
    message = f"the submit directory {location} is not there"
    raise UserError(message)


def _download(bucket: str, key: str, target: Path, location: str) -> None:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        boto3.client("s3").download_file(bucket, key, str(target))
    except (BotoCoreError, ClientError) as error:
        message = f"cannot download the code at {location}: {error}"
        raise UserError(message) from error


def _unpack(archive: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive) as tar:
            # Interpreters from before the filters (Python 3.11.3) know no argument of that name.
            safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            tar.extractall(folder, **safe)  # type: ignore[arg-type]  # noqa: S202 (the job's own code, in its own sandbox)
    except (tarfile.TarError, OSError, EOFError) as error:
        message = f"the code archive cannot be extracted: {error}"
        raise UserError(message) from error
    return folder


def install_requirements(folder: Path, name: str = "requirements.txt") -> None:
    """``pip install`` what the code asks for; UserError if that fails."""
    path = folder / name
    if not path.is_file():
        return
    command = [sys.executable, "-m", "pip", "install", "-r", str(path)]
    print("Installing dependencies from requirements.txt:", " ".join(command), flush=True)
    done = subprocess.run(command, cwd=folder, check=False)
    if done.returncode:
        message = f"pip could not install {path} (exit code {done.returncode})"
        raise UserError(message)
