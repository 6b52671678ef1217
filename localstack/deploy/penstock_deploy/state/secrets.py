"""Secrets by passphrase, in Pulumi's own scheme: PBKDF2-SHA256 (1,000,000 rounds), AES-256-GCM, `v1:` texts."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from penstock_deploy.errors import DeploymentError
from penstock_deploy.values import SECRET_SIGNATURE, SIGNATURE, Secret

_ROUNDS = 1_000_000
_KEY_BYTES = 32
_NONCE_BYTES = 12
_SALT_BYTES = 8
_PROOF = "pulumi"
_SEALED = "v1:"
_keys: dict[tuple[str, bytes], bytes] = {}
_keys_lock = threading.Lock()


def passphrase_from(environment: Mapping[str, str]) -> str:
    """The passphrase that the environment names, by value or by file."""
    if "PULUMI_CONFIG_PASSPHRASE" in environment:
        return environment["PULUMI_CONFIG_PASSPHRASE"]
    file = environment.get("PULUMI_CONFIG_PASSPHRASE_FILE")
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise DeploymentError(f"PULUMI_CONFIG_PASSPHRASE_FILE={file} cannot be read: {error.strerror}") from error
    raise DeploymentError(
        "no passphrase for the state's secrets", "Set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE."
    )


def _key(passphrase: str, salt: bytes) -> bytes:
    """The derived key; kept for the process' life, since one derivation costs a quarter of a second."""
    with _keys_lock:
        known = _keys.get((passphrase, salt))
    if known is None:
        known = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, _ROUNDS, _KEY_BYTES)
        with _keys_lock:
            _keys[(passphrase, salt)] = known
    return known


class PassphraseSecrets:
    """Encrypts and decrypts the secrets of one stack.

    Made from a salt text of Pulumi's (`v1:<salt>:<proof>`), or without one for a new stack. Raises DeploymentError when
    the passphrase does not open the proof.
    """

    def __init__(self, passphrase: str, salt: str = "") -> None:
        raw = os.urandom(_SALT_BYTES)
        proof = ""
        if salt:
            try:
                version, encoded, proof = salt.split(":", 2)
                raw = base64.b64decode(encoded, validate=True)
            except ValueError as error:
                raise DeploymentError(f"not a salt of a passphrase secrets provider: {salt!r}") from error
            if version != "v1":
                raise DeploymentError(f"unknown version {version!r} of a passphrase salt")
        self._cipher = AESGCM(_key(passphrase, raw))
        self._sealed: dict[str, str] = {}
        if salt:
            if self._open(proof, wrong_passphrase=True) != _PROOF:
                raise _wrong_passphrase()
            self.salt = salt
        else:
            self.salt = f"v1:{base64.b64encode(raw).decode()}:{self.encrypt(_PROOF)}"

    def encrypt(self, text: str) -> str:
        """The ciphertext of `text`, in Pulumi's form."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, text.encode(), None)
        return f"v1:{base64.b64encode(nonce).decode()}:{base64.b64encode(sealed).decode()}"

    def decrypt(self, text: str) -> str:
        """The text in a ciphertext of Pulumi's form."""
        return self._open(text, wrong_passphrase=False)

    def _open(self, text: str, *, wrong_passphrase: bool) -> str:
        try:
            _, nonce, sealed = text.split(":")
            return self._cipher.decrypt(base64.b64decode(nonce), base64.b64decode(sealed), None).decode()
        except InvalidTag:
            if wrong_passphrase:
                raise _wrong_passphrase() from None
            raise DeploymentError("a secret cannot be decrypted: it was encrypted with another passphrase") from None
        except ValueError:
            raise DeploymentError("a secret in the state or configuration is damaged") from None

    def seal(self, value: Any) -> Any:
        """The JSON form of a property value, its secrets encrypted; equal secrets keep their ciphertext."""
        if isinstance(value, Secret):
            text = json.dumps(_mark(value.value), separators=(",", ":"))
            if text not in self._sealed:
                self._sealed[text] = self.encrypt(text)
            return {SIGNATURE: SECRET_SIGNATURE, "ciphertext": self._sealed[text]}
        if isinstance(value, dict):
            return {key: self.seal(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.seal(item) for item in value]
        return value

    def unseal(self, value: Any) -> Any:
        """The property value of a JSON form, its secrets opened into `Secret`."""
        if isinstance(value, dict):
            if value.get(SIGNATURE) == SECRET_SIGNATURE:
                if "plaintext" in value:
                    return Secret(self.unseal(json.loads(value["plaintext"])))
                if not value["ciphertext"].startswith(_SEALED):
                    return Secret(self.unseal(json.loads(value["ciphertext"])))  # within a secret: see `_mark`
                text = self.decrypt(value["ciphertext"])
                self._sealed[text] = value["ciphertext"]
                return Secret(self.unseal(json.loads(text)))
            return {key: self.unseal(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.unseal(item) for item in value]
        return value


def _mark(value: Any) -> Any:
    """The JSON form of what is within a secret: further secrets in it are marked and, as Pulumi does, not encrypted again."""
    if isinstance(value, Secret):
        text = json.dumps(_mark(value.value), separators=(",", ":"))
        return {SIGNATURE: SECRET_SIGNATURE, "ciphertext": text}
    if isinstance(value, dict):
        return {key: _mark(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_mark(item) for item in value]
    return value


def _wrong_passphrase() -> DeploymentError:
    return DeploymentError(
        "incorrect passphrase: it does not open this stack's secrets",
        "Set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the one the stack was created with.",
    )
