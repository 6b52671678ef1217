"""NextToken: pages follow one another, and a token that was made up is refused."""

from __future__ import annotations

import base64

import pytest

from penstock_services.errors import ServiceError
from penstock_services.sagemaker import page_tokens


def test_pages_follow_one_another() -> None:
    items, request, seen = list(range(25)), {"MaxResults": 7}, []
    while True:
        shown, more = page_tokens.page(items, request, 10)
        seen.append(shown)
        if not more:
            break
        request |= more
    assert [len(page) for page in seen] == [7, 7, 7, 4]
    assert [item for page in seen for item in page] == items
    assert page_tokens.page(items, {}, 10)[0] == items[:10]
    assert page_tokens.page(items[:10], {}, 10)[1] == {}


@pytest.mark.parametrize("token", ["?", "bm90IGpzb24=", "-1", "true", '"3"', "1.5", "[3]"])
def test_a_made_up_token_is_refused(token: str) -> None:
    if token not in ("?", "bm90IGpzb24="):
        token = base64.urlsafe_b64encode(token.encode()).decode()
    with pytest.raises(ServiceError, match="The NextToken is not valid") as refused:
        page_tokens.page([1, 2], {"NextToken": token}, 1)
    assert refused.value.code == "ValidationException"


@pytest.mark.parametrize("position", [3, [1], [1, "2"], [None, 2], [[1], 2]])
def test_a_place_is_a_value_and_a_number(position: object) -> None:
    assert page_tokens.place(page_tokens.encode(["name", 7])) == ("name", 7)
    with pytest.raises(ServiceError, match="The NextToken is not valid"):
        page_tokens.place(page_tokens.encode(position))
