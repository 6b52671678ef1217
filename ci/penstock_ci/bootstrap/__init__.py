"""What stacks need before the first `up`: a state backend of their own kind, a key for secrets, CI's way in.

On AWS: an S3 bucket for Pulumi's state (`bucket`), a KMS key that encrypts it and the stacks' secrets (`key`), a record of
the stacks that belong here (`record`), GitHub's identity provider and the roles with which the platform's own repository
previews and deploys the platform (`github`, `permissions`). Locally: the folder of Pulumi's file backend and its passphrase
(`files`). Every step looks first and changes only what is missing or differs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from penstock_ci.bootstrap import bucket, files, github, key, record
from penstock_ci.bootstrap.backend import KEY_ALIAS, backend_environment, secrets_provider, state_bucket
from penstock_ci.bootstrap.github import PlatformRepository
from penstock_ci.bootstrap.pieces import Piece
from penstock_ci.bootstrap.record import recorded_stacks

if TYPE_CHECKING:
    from penstock_ci.target import Target

__all__ = [
    "KEY_ALIAS",
    "Piece",
    "PlatformRepository",
    "backend_environment",
    "recorded_stacks",
    "run",
    "secrets_provider",
    "state_bucket",
]


def run(
    target: Target, repository: PlatformRepository | None, *, check: bool, on_piece: Callable[[Piece], None]
) -> list[Piece]:
    """See to every piece; with `check` only look.

    Args:
        target: Where.
        repository: The platform's own repository; None leaves GitHub's provider and roles out.
        check: Change nothing.
        on_piece: Hears of each piece when it has been seen to.

    Raises:
        Failure: a name is another account's.
    """
    pieces: list[Piece] = []

    def report(piece: Piece) -> None:
        pieces.append(piece)
        on_piece(piece)

    if target.is_local:
        for piece in files.file_backend(target, check=check):
            report(piece)
    else:
        made, arn = key.key(target, check=check)
        report(made)
        report(bucket.bucket(target, arn, check=check))
        report(record.record(target, check=check))
    if repository is not None:
        report(github.provider(target, check=check))
        for wanted in github.roles(target, repository):
            report(github.role(target, repository, wanted, check=check))
    return pieces
