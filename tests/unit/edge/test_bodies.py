"""For any JSON body and any headers, the answer is one of the document's, and never a server error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.kit import clock
from tests import dynamo_rules
from tests.unit.edge.platform import Platform, Route, list_routes
from tests.unit.properties import examples

MUTATING = [
    route for route in list_routes() if route.operation.idempotent and not route.operation.path.startswith("/auth/")
]

#: Numbers and texts that parsers, stores and encoders treat differently.
_NUMBERS = (0, -0.0, 0.1, 1.5, 1e308, 5e-324, 2**53 + 1, 2**63, 2**64, 10**37 + 1, 10**40 + 7, -(10**100))
_TEXTS = (
    *(
        "",
        " ",
        "\x00",
        "a\x00b",
        "\u202eabc",
        "\ud800",
        "\udfff\ud800",
        "👩‍👧",
        "é" * 600,
        "x" * 3_000,
        "null",
        "../..",
        "#",
    ),
    *("+14155550142", "you@example.com", "YOU@example.com", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
    *("agt_00000000000000000000000000", "msg_👩", "https://example.com/", "http://[::1", "data:", "{{customer_name}}"),
)


def _nest(levels: int, inner: Any) -> Any:
    for _ in range(levels):
        inner = {"a": inner} if levels % 2 else [inner]
    return inner


_scalars = st.one_of(
    st.sampled_from([None, True, False, *_NUMBERS, *_TEXTS, float("nan"), float("inf")]),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=20),
)
_names = st.sampled_from(["", "a", "pk", "consent_source", "é" * 300, "\x00", "\ud800", "__proto__", "$ref"])
_values = st.recursive(
    _scalars, lambda parts: st.lists(parts, max_size=4) | st.dictionaries(_names, parts, max_size=4), max_leaves=8
) | st.builds(_nest, st.sampled_from([7, 8, 9, 33, 150, 600]), st.sampled_from([1, 0.5, "x"]))
_raw = st.sampled_from(
    ["", " ", "null", "[]", "0", '"x"', "{", '{"a":1,"a":2}', "[" * 50_000, "\ud800", "1e999", "9" * 5_000, "\ufeff{}"]
)
_HEADERS: dict[str, st.SearchStrategy[str]] = {
    "idempotency-key": st.sampled_from(["k", "a-key-of-a-strangers-request", "", "é", "x" * 256, "\x00"]),
    "x-correlation-id": st.sampled_from(["c", "", "x y", "é", "x" * 129, "#"]),
    "content-type": st.sampled_from(
        [
            "application/json",
            "Application/JSON; Charset=UTF-8",
            "text/plain",
            "",
            ";",
            "multipart/form-data",
            "é",
            "*/*",
        ]
    ),
    "accept": st.sampled_from(["*/*", "text/html", "é"]),
    "last-event-id": st.text(max_size=5),
}


def _member_names(route: Route) -> list[str]:
    return sorted({name for part in route.parts() for name in part.get("properties", {})} | {"metadata"})


def _add_to_objects(good: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Returns the valid body with more members in each of its objects."""
    return {name: value | more if isinstance(value, dict) else value for name, value in good.items()}


@pytest.fixture
def platform(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Platform:
    # Sign-ups create keys that other examples do not need, and no limit may end the test early.
    monkeypatch.setenv("SWITCHBOARD_SIGN_UPS_PER_HOUR", "1000000")
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_MINUTE", "100000")
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_SECOND", "10000")
    dynamo_rules.enforce_limits()
    return Platform.open()


@pytest.mark.parametrize("route", MUTATING, ids=lambda route: route.name)
def test_no_body_and_no_header_causes_a_server_error(platform: Platform, route: Route) -> None:
    good, names = platform.example_body(route), _member_names(route)
    prefix = route.operation.ids[0] if route.operation.ids else ""
    path = route.at(f"{prefix or 'x'}_{'0' * 26}")
    if good and not route.operation.ids:
        granted = platform.ask(route, path, json.dumps(good))
        assert granted.is_success, granted.text

    @examples(40)
    @given(
        changes=st.dictionaries(st.sampled_from(names), _values, max_size=2),
        within=st.dictionaries(_names, _values, max_size=2),
        instead=st.none() | _raw | _values,
        keep=st.booleans(),
        headers=st.fixed_dictionaries({}, optional=_HEADERS),
    )
    def check_never_fails(
        changes: dict[str, Any], within: dict[str, Any], instead: Any, keep: bool, headers: dict[str, str]
    ) -> None:
        if instead is not None and not keep:
            body = instead if isinstance(instead, str) else json.dumps(instead)
        else:
            body = json.dumps(_add_to_objects({"metadata": {}} | good, within) | changes)
        platform.ask(route, path, body if route.operation.takes_body else None, headers=headers)

    check_never_fails()
