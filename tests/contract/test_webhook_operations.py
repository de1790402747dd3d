"""Webhooks and callbacks in the documents: every event, with the headers that are sent and a body that fits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openapi_spec_validator import validate

from infra import openapi
from switchboard.fanout.catalogs import CATALOGS
from switchboard.kit import clock
from switchboard.webhooks.models import KindName
from switchboard.webhooks.signing import SignedMessage, sign_message
from tests.contract.spec import Spec

_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KINDS = list(CATALOGS)


def read(kind: KindName) -> Spec:
    return Spec.read(openapi.FOLDER / f"{kind}.json")


def list_requests(kind: KindName) -> dict[str, Any]:
    """Returns the request of each event, and of a callback of an operation under the name `callback`."""
    document = read(kind).document
    if "webhooks" in document:
        return {name: item["post"] for name, item in document["webhooks"].items()}
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    (places,) = [places for one in operations for places in one.get("callbacks", {}).values()]
    (request,) = places.values()
    return {"callback": request["post"]}


@pytest.mark.parametrize("kind", KINDS)
def test_the_document_with_its_webhooks_is_valid(kind: KindName) -> None:
    validate(read(kind).document)


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_has_an_example_that_fits_its_schema(kind: KindName) -> None:
    spec, found = read(kind), {}
    for name, request in list_requests(kind).items():
        content = request["requestBody"]["content"]["application/json"]
        examples = {key: one["value"] for key, one in content.get("examples", {}).items()} or {name: content["example"]}
        for event, example in examples.items():
            assert not spec.errors(content["schema"], example), event
            found[event] = example
    assert found == {entry.name: entry.example for entry in CATALOGS[kind]().entries}


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_has_the_headers_that_are_sent(kind: KindName) -> None:
    message = SignedMessage("msg_1", "call.completed", clock.now(), "{}")
    sent = sign_message(kind, message, [_SECRET]).keys() | {"webhook-sequence"}
    components = read(kind).document["components"]["parameters"]
    for request in list_requests(kind).values():
        described = {components[one["$ref"].rpartition("/")[2]]["name"] for one in request["parameters"]}
        assert described == sent


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_says_which_answers_count_and_when_it_comes_again(kind: KindName) -> None:
    for request in list_requests(kind).values():
        assert request["responses"].keys() == {"2XX", "410", "default"}
        assert "sent again after 5 " in request["responses"]["default"]["description"]
        assert request["security"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_webhooks_are_a_small_part_of_a_document(kind: KindName) -> None:
    document = read(kind).document
    assert len(json.dumps(document.get("webhooks", {}))) < len(json.dumps(document["paths"])) / 2
