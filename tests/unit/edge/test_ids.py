"""Whatever stands in a path or a query, the answer is one of the dialect's, and never our fault."""

from __future__ import annotations

import pytest

from tests import dynamo_rules
from tests.contract.test_dialects import read_code
from tests.unit.edge.platform import Platform, Route, encoded, odd_texts, routes

ALL = routes()
WITH_IDS = [route for route in ALL if route.operation.ids and "any" not in route.operation.ids]
#: With a number, an address or a token in the path: the route says what may stand there.
WITH_TEXT = [route for route in ALL if "any" in route.operation.ids]
WITH_QUERY = [route for route in ALL if any(place == "query" for place, _ in route.spec.parameters(route.documented))]
#: A browser's sign-in leaves the process: its own tests ask it.
ASKED = [route for route in WITH_QUERY if not route.operation.path.startswith("/auth/")]


@pytest.fixture
def platform(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Platform:
    # More requests than a person makes in a second.
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_MINUTE", "100000")
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_SECOND", "10000")
    dynamo_rules.enforce()
    return Platform.open()


def _name(route: Route) -> str:
    return route.name


def test_every_operation_is_walked() -> None:
    assert len(ALL) == sum(
        len(route.spec.operations) for route in {route.api.dialect.name: route for route in ALL}.values()
    )
    assert len(WITH_IDS) >= 20


@pytest.mark.parametrize("route", WITH_IDS, ids=_name)
def test_what_cannot_be_an_id_is_not_found(platform: Platform, route: Route) -> None:
    for name, text in odd_texts():
        paths = [route.at(encoded(text))]
        if text.isascii() and text.isprintable() and "/" not in text and text.strip():
            paths.append(route.at(text))  # a client that encodes nothing
        for path in paths:
            answer = platform.ask(route, path, "{}" if route.operation.takes_body else None)
            assert answer.status_code == 404, (name, answer.text)


@pytest.mark.parametrize("route", WITH_IDS, ids=_name)
def test_what_cannot_be_an_id_gets_the_answer_of_one_that_nothing_has(platform: Platform, route: Route) -> None:
    prefix = route.operation.ids[0]
    unknown = f"{prefix}_{'0' * 26}" if prefix else "nothing"
    # Enough for every operation's body.
    body = '{"role": "viewer", "label": "x", "since": "2026-01-01T00:00:00Z"}' if route.operation.takes_body else None
    answers = [platform.ask(route, route.at(one), body) for one in (unknown, "no`id")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert len({read_code(route.api.dialect.name, answer) for answer in answers}) == 1


@pytest.mark.parametrize("route", WITH_TEXT, ids=_name)
def test_what_cannot_be_a_number_or_an_address_is_refused(platform: Platform, route: Route) -> None:
    for name, text in odd_texts():
        answer = platform.ask(route, route.at(encoded(text)), "{}" if route.operation.takes_body else None)
        assert answer.status_code in (400, 404), (name, answer.text)


@pytest.mark.parametrize("route", ASKED, ids=_name)
def test_odd_queries_are_answered(platform: Platform, route: Route) -> None:
    names = [name for place, name in route.spec.parameters(route.documented) if place == "query"]
    needed = {"correlation_id": "x", "from": "2026-01-01T00:00:00Z"}
    texts = [text for _, text in odd_texts()]
    texts += ["", "-1", "1e9", "9" * 25, "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "agt_nobody"]
    for name in names:
        for text in texts:
            query = {other: value for other, value in needed.items() if other in names} | {name: text}
            written = "&".join(f"{encoded(one)}={encoded(value)}" for one, value in query.items())
            platform.ask(route, route.at("x"), query=written)
