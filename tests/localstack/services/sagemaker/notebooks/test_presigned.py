"""Tokens of presigned URLs: good for a while, and only from who knows the secret."""

from __future__ import annotations

from penstock_services.sagemaker.notebooks.program.presigned import session_of, sign


def test_a_token_tells_how_long_its_session_lasts() -> None:
    assert session_of("secret", sign("secret", 300, 1800)) == 1800


def test_a_token_that_is_too_old_opens_nothing() -> None:
    assert session_of("secret", sign("secret", 0, 1800)) is None


def test_a_token_of_another_secret_opens_nothing() -> None:
    assert session_of("secret", sign("other", 300, 1800)) is None
    body, _, signature = sign("secret", 300, 1800).partition(".")
    longer = sign("other", 300, 43_200).partition(".")[0]
    assert session_of("secret", f"{longer}.{signature}") is None
    for wrong in ("", ".", body, f"{body}.", f"{body}.{signature}0", "é.é"):
        assert session_of("secret", wrong) is None
