"""The client of GitHub's comments, for github.com, GitHub Enterprise and the local receiver alike."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from penstock_ci.errors import FAILED, UserError

DEFAULT_URL = "https://api.github.com"


class GitHub:
    """One repository's comments.

    Args:
        url: `GITHUB_API_URL`.
        token: A token that may write pull requests.
        repository: `owner/name`.
        transport: For tests.
    """

    def __init__(self, url: str, token: str, repository: str, transport: httpx.BaseTransport | None = None) -> None:
        self.repository = repository
        self._client = httpx.Client(
            base_url=url.rstrip("/"),
            transport=transport,
            timeout=30.0,
            trust_env=not url.startswith("http://127.0.0.1"),  # no proxy in between
            headers={
                "Authorization": f"Bearer {token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
                "User-Agent": "penstock",
            },
        )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self | None:
        """The client a workflow's step has; None without a token or a repository (nothing to post to).

        GitHub and act set GITHUB_REPOSITORY and GITHUB_API_URL; a workflow passes GITHUB_TOKEN.
        """
        environment = os.environ if environment is None else environment
        token, repository = environment.get("GITHUB_TOKEN", ""), environment.get("GITHUB_REPOSITORY", "")
        if not token or not repository:
            return None
        return cls(environment.get("GITHUB_API_URL") or DEFAULT_URL, token, repository)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise UserError(
                f"{self._client.base_url}: {error}", "is GITHUB_API_URL right, and reachable?", exit_code=FAILED
            ) from error
        if response.is_error:
            try:
                said = str(response.json().get("message", ""))
            except ValueError:
                said = response.text[:200]
            remedy = {
                401: "the token is wrong or expired",
                403: "the job needs `permissions: pull-requests: write`; a fork's pull request cannot have it",
                404: f"does {self.repository} exist, and may the token see it?",
            }.get(response.status_code, "")
            raise UserError(f"GitHub: {method} {path}: {response.status_code} {said}", remedy, exit_code=FAILED)
        return response

    def comments(self, number: int) -> list[dict[str, Any]]:
        """All comments of an issue or pull request, page after page."""
        found: list[dict[str, Any]] = []
        path: str | None = f"/repos/{self.repository}/issues/{number}/comments?per_page=100"
        while path:
            response = self._request("GET", path)
            found += response.json()
            path = response.links.get("next", {}).get("url")
        return found

    def open_pull(self, title: str, head: str, base: str) -> dict[str, Any]:
        """Open a pull request of the branch `head` against `base`."""
        body = {"title": title, "head": head, "base": base}
        opened: dict[str, Any] = self._request("POST", f"/repos/{self.repository}/pulls", json=body).json()
        return opened

    def put_comment(self, number: int, marker: str, body: str) -> tuple[dict[str, Any], bool]:
        """Write the one comment that carries a marker: change it where it exists, else add it.

        Args:
            marker: A text that the body holds and no other comment does.

        Returns:
            The comment, and whether it is new.
        """
        for comment in self.comments(number):
            if marker in str(comment.get("body", "")):
                changed = self._request(
                    "PATCH", f"/repos/{self.repository}/issues/comments/{comment['id']}", json={"body": body}
                )
                return changed.json(), False
        added = self._request("POST", f"/repos/{self.repository}/issues/{number}/comments", json={"body": body})
        return added.json(), True
