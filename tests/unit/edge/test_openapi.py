"""Several groups become one document."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, Field, create_model

from switchboard.dialects.anima.dialect import MASTER, Anima
from switchboard.dialects.anima.document import DESCRIPTION
from switchboard.edge.api import Api
from switchboard.edge.openapi import DocumentError, build_document
from switchboard.edge.router import AuthenticationScheme
from tests.tables import each


class Page(BaseModel):
    """A page."""

    title: str
    size: int = Field(le=100)


def build_group(
    path: str, model: type[BaseModel], operation_id: str = "readPage", tag: str = "Email", **more: Any
) -> Api:
    api = Api(Anima(), operation_id)

    def read(limit: Annotated[int | None, Query(le=10, description="How many.")] = None) -> Any: ...

    read.__annotations__["return"] = model
    api.get(path, summary="Read", operation_id=operation_id, tag=tag, **more)(read)
    return api


def test_groups_share_a_model() -> None:
    made = build_document([build_group("/v1/a", Page), build_group("/v1/b", Page, "other")], DESCRIPTION)
    assert made["paths"].keys() == {"/v1/a", "/v1/b"}
    assert "Page" in made["components"]["schemas"]


def test_two_models_of_one_name_in_two_groups_are_refused() -> None:
    other = create_model("Page", lines=(int, ...))
    with pytest.raises(DocumentError, match="another model is called Page"):
        build_document([build_group("/v1/a", Page), build_group("/v1/b", other, "other")], DESCRIPTION)


def test_two_models_of_one_name_in_one_group_are_refused() -> None:
    api = build_group("/v1/a", Page)

    def read() -> Any: ...

    read.__annotations__["return"] = create_model("Page", __module__="elsewhere", lines=(int, ...))
    api.get("/v1/b", summary="Read", operation_id="other", tag="Email")(read)
    with pytest.raises(DocumentError, match="another model is called Page"):
        build_document([api], DESCRIPTION)


def test_a_model_may_not_take_the_errors_name() -> None:
    with pytest.raises(DocumentError, match="Problem"):
        build_document([build_group("/v1/a", create_model("Problem", lines=(int, ...)))], DESCRIPTION)


def test_an_operation_is_served_once() -> None:
    with pytest.raises(DocumentError, match="served twice"):
        build_document([build_group("/v1/a", Page), build_group("/v1/b", Page)], DESCRIPTION)
    with pytest.raises(DocumentError, match="served twice"):
        build_document([build_group("/v1/a", Page), build_group("/v1/a", Page, "other")], DESCRIPTION)


def test_tags_and_statuses_come_from_the_description() -> None:
    with pytest.raises(DocumentError, match="tag Nonsense"):
        build_document([build_group("/v1/a", Page, tag="Nonsense")], DESCRIPTION)
    with pytest.raises(DocumentError, match="status 418"):
        build_document([build_group("/v1/a", Page, responses={418: "A teapot."})], DESCRIPTION)


def test_schemas_state_their_rules_and_no_more() -> None:
    made = build_document([build_group("/v1/a", Page)], DESCRIPTION)
    page = made["components"]["schemas"]["Page"]
    assert page["properties"]["size"] == {"type": "integer", "maximum": 100}
    assert "title" in page["properties"]
    assert "title" not in page
    parameter = made["paths"]["/v1/a"]["get"]["parameters"][0]
    assert parameter == {
        "name": "limit",
        "in": "query",
        "description": "How many.",
        "schema": {"type": "integer", "maximum": 10},
    }


def test_a_refusal_has_the_routes_text() -> None:
    made = build_document(
        [build_group("/v1/a/<page_id>", Page, responses={404: "There is no such page."})], DESCRIPTION
    )
    answers = made["paths"]["/v1/a/{page_id}"]["get"]["responses"]
    assert answers["404"] == {"$ref": "#/components/responses/NotFound", "description": "There is no such page."}
    assert answers["200"]["description"] == "A page."
    assert list(answers) == sorted(answers)


def test_the_document_drops_the_ending_view() -> None:
    class PageView(BaseModel):
        next: PageView | None

    made = build_document([build_group("/v1/a", PageView)], DESCRIPTION)
    assert "PageView" not in str(made)
    assert made["components"]["schemas"]["Page"]["properties"]["next"]["anyOf"][0] == {
        "$ref": "#/components/schemas/Page"
    }


@pytest.mark.parametrize("other", ["Page", "PageView"])
def test_two_classes_with_one_public_name_are_refused(other: str) -> None:
    first = create_model("PageView" if other == "Page" else "Page", lines=(list[str], ...))
    groups = [build_group("/v1/a", first), build_group("/v1/b", create_model(other, lines=(list[str], ...)), "other")]
    with pytest.raises(DocumentError, match="are both called Page"):
        build_document(groups, DESCRIPTION)


def test_an_api_gives_its_routes_their_tag_and_keys() -> None:
    api = Api(Anima(), "test", tag="Email", keys=MASTER)
    for path, more in {"/v1/a": {}, "/v1/b": {"keys": None, "tag": "Voice"}}.items():

        def read() -> Page: ...

        api.get(path, summary="Read", operation_id=path[-1], **more)(read)
    made = build_document([api], DESCRIPTION)
    master, anyone = made["paths"]["/v1/a"]["get"], made["paths"]["/v1/b"]["get"]
    assert (master["tags"], master["responses"]["403"]["description"]) == (
        ["Email"],
        "This operation requires the master key.",
    )
    assert anyone["tags"] == ["Voice"]
    assert "description" not in anyone["responses"]["403"]


class Keyless(Anima):
    """A dialect that keeps no responses."""

    idempotency_key = False


def _describe_change(api: Api, **more: Any) -> dict[str, Any]:
    @api.post("/v1/a", summary="Send", operation_id="a", **more)
    def send() -> Page: ...

    told: dict[str, Any] = build_document([api], DESCRIPTION)["paths"]["/v1/a"]["post"]
    return told


def test_an_operation_that_keeps_no_response_has_no_idempotency_key() -> None:
    told = _describe_change(Api(Keyless(), "test", tag="Email"))
    assert "IdempotencyKey" not in str(told)
    assert "Idempotent-Replayed" not in told["responses"]["200"]["headers"]
    assert not {"409", "503"} & told["responses"].keys()


@each(
    "more, parameter",
    [
        ({}, "IdempotencyKey"),
        ({"public": True}, "StrangersIdempotencyKey"),
        # The credential of a page, for example, is public.
        ({"scheme": AuthenticationScheme("BearerAuth", authenticate=lambda _: None)}, "StrangersIdempotencyKey"),
    ],
)
def test_the_key_of_a_client_without_an_api_key_is_long(more: dict[str, Any], parameter: str) -> None:
    told = _describe_change(Api(Anima(), "test", tag="Email"), **more)
    assert {"$ref": f"#/components/parameters/{parameter}"} in told["parameters"]


def test_a_route_needs_a_tag() -> None:
    with pytest.raises(AssertionError, match="has no tag"):
        Api(Anima(), "test").get("/v1/a", summary="Read", operation_id="a")


def test_a_route_may_have_two_successes() -> None:
    api = Api(Anima(), "test", tag="Email", keys=MASTER)

    @api.post("/v1/a", summary="Send", operation_id="a", public=True, keys=None, also={202: "It is sent later."})
    def send() -> Page: ...

    told = build_document([api], DESCRIPTION)["paths"]["/v1/a"]["post"]["responses"]
    assert told["202"]["description"] == "It is sent later."
    assert told["200"]["content"] == told["202"]["content"]


def test_a_redirect_has_a_location_and_no_body() -> None:
    group = build_group("/v1/a", Page, public=True, status=302)
    told = build_document([group], DESCRIPTION)["paths"]["/v1/a"]["get"]["responses"]["302"]
    assert told["description"] == "Redirects to the place in `Location`."
    assert told["headers"]["Location"]["schema"] == {"type": "string", "format": "uri-reference"}
    assert "content" not in told
