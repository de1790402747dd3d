"""Headers and query parameters that a client sends several times."""

from __future__ import annotations

import json
from typing import Annotated

import pytest
from aws_lambda_powertools.event_handler.openapi.params import Header, Query
from pydantic import BaseModel, Field

from switchboard.dialects.anima.dialect import Anima
from switchboard.edge.api import Api
from tests.tables import each
from tests.unit.edge.asking import Answer, send_request

pytestmark = pytest.mark.usefixtures("cloud")
REPEATED = "was sent more than once: send it once"


class Seen(BaseModel):
    """The parameters that reached the route."""

    version: str | None
    limit: int | None
    names: list[str] | None


@pytest.fixture(scope="module")
def api() -> Api:
    made = Api(Anima(), "test", tag="Email")

    @made.get("/v1/a", summary="Read", operation_id="a", public=True)
    def read(
        version: Annotated[str | None, Header(alias="If-Match")] = None,
        limit: Annotated[int | None, Query()] = None,
        name: Annotated[list[Annotated[str, Field(max_length=3)]] | None, Query(max_length=2)] = None,
    ) -> Seen:
        return Seen(version=version, limit=limit, names=name)

    return made


def read_problems(answer: Answer) -> dict[str, str]:
    assert answer.status == 400, answer
    problems: dict[str, str] = json.loads(answer.body)["details"]["fields"]
    return problems


def test_equal_values_of_a_header_are_one(api: Api) -> None:
    answer = send_request(api, "GET", "/v1/a", headers={"If-Match": ["7", "7"]})
    assert json.loads(answer.body)["version"] == "7", answer


@each(
    "headers, query, problems",
    [
        ({"If-Match": ["7", "8"]}, {}, {"if-match": REPEATED}),
        ({}, {"limit": ["1", "2"]}, {"limit": REPEATED}),
        ({}, {"name": ["a", "b", "c"]}, {"name": "has too many items: send at most 2"}),
        ({}, {"name": ["a", "long"]}, {"name.1": "is too long: send at most 3 characters"}),
    ],
)
def test_different_values_of_a_parameter_are_told(
    api: Api, headers: dict[str, list[str]], query: dict[str, list[str]], problems: dict[str, str]
) -> None:
    assert read_problems(send_request(api, "GET", "/v1/a", headers=headers, query=query)) == problems


def test_a_list_may_have_several_values(api: Api) -> None:
    answer = send_request(api, "GET", "/v1/a", query={"name": ["a", "b"]})
    assert json.loads(answer.body)["names"] == ["a", "b"], answer
