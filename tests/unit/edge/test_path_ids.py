"""For any text in a path or a query, the answer is one of the dialect's, and never a server error."""

from __future__ import annotations

import json

import pytest

from tests import dynamo_rules
from tests.contract.test_dialects import read_code
from tests.unit.edge.platform import Platform, Route, encode_text, list_routes, odd_texts

ALL = list_routes()
WITH_IDS = [route for route in ALL if route.operation.ids and "any" not in route.operation.ids]
#: Paths with a number, an address or a token: the route defines the allowed text.
WITH_TEXT = [route for route in ALL if "any" in route.operation.ids]
WITH_QUERY = [route for route in ALL if any(place == "query" for place, _ in route.spec.parameters(route.documented))]
#: A browser's sign-in leaves the process: its own tests call it.
ASKED = [route for route in WITH_QUERY if not route.operation.path.startswith("/auth/")]


#: The required fields of every operation's body.
_ENOUGH = {
    "role": "viewer",
    "label": "x",
    "since": "2026-01-01T00:00:00Z",
    "is_read": True,
    "name": "x",
    "body": "x",
    "source": '{"name": "x"}',
    "version": 1,
}


@pytest.fixture
def platform(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Platform:
    # More requests than a person may send in a second.
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_MINUTE", "100000")
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_SECOND", "10000")
    dynamo_rules.enforce_limits()
    return Platform.open()


def _name_of(route: Route) -> str:
    return route.name


def test_every_operation_is_tested() -> None:
    assert len(ALL) == sum(
        len(route.spec.operations) for route in {route.api.dialect.name: route for route in ALL}.values()
    )
    assert len(WITH_IDS) >= 20


@pytest.mark.parametrize("route", WITH_IDS, ids=_name_of)
def test_an_impossible_id_is_not_found(platform: Platform, route: Route) -> None:
    for name, text in odd_texts():
        paths = [route.at(encode_text(text))]
        if text.isascii() and text.isprintable() and "/" not in text and text.strip():
            paths.append(route.at(text))  # a client that encodes nothing
        for path in paths:
            answer = platform.ask(route, path, "{}" if route.operation.takes_body else None)
            assert answer.status_code == 404, (name, answer.text)


@pytest.mark.parametrize("route", WITH_IDS, ids=_name_of)
def test_an_impossible_id_gets_the_same_answer_as_an_unknown_id(platform: Platform, route: Route) -> None:
    prefix = route.operation.ids[0]
    unknown = f"{prefix}_{'0' * 26}" if prefix else "nothing"
    known = {name for part in route.parts() for name in part.get("properties", {})}
    enough = {name: value for name, value in _ENOUGH.items() if name in known}
    body = json.dumps(enough | platform.example_body(route)) if route.operation.takes_body else None
    answers = [platform.ask(route, route.at(one), body) for one in (unknown, "no`id")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert len({read_code(route.api.dialect.name, answer) for answer in answers}) == 1


@pytest.mark.parametrize("route", WITH_TEXT, ids=_name_of)
def test_an_impossible_number_or_address_is_refused(platform: Platform, route: Route) -> None:
    for name, text in odd_texts():
        answer = platform.ask(route, route.at(encode_text(text)), "{}" if route.operation.takes_body else None)
        assert answer.status_code in (400, 404), (name, answer.text)


@pytest.mark.parametrize("route", ASKED, ids=_name_of)
def test_unusual_queries_are_answered(platform: Platform, route: Route) -> None:
    names = [name for place, name in route.spec.parameters(route.documented) if place == "query"]
    needed = {"correlation_id": "x", "from": "2026-01-01T00:00:00Z"}
    texts = [text for _, text in odd_texts()]
    texts += ["", "-1", "1e9", "9" * 25, "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "agt_nobody"]
    for name in names:
        for text in texts:
            query = {other: value for other, value in needed.items() if other in names} | {name: text}
            written = "&".join(f"{encode_text(one)}={encode_text(value)}" for one, value in query.items())
            platform.ask(route, route.at("x"), query=written)
