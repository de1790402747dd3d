"""HUM over HTTP: lists and reports of a range of time."""

from __future__ import annotations

import pytest

from infra import openapi
from tests.contract.asks import GOOD
from tests.contract.console import Console
from tests.contract.hum.conftest import assert_refused
from tests.contract.spec import Spec
from tests.contract.world import Ask

_EARLY, _LATE = "2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z"


def _ranges() -> list[tuple[str, str, str]]:
    """The operations that take two times, each with the names of the two."""
    found = []
    for operation in Spec.read(openapi.FOLDER / "hum.json").operations.values():
        names = [
            parameter["name"]
            for parameter in operation.raw.get("parameters", [])
            if "date-time" in str(parameter.get("schema"))
        ]
        if len(names) == 2:
            found.append((operation.id, names[0], names[1]))
    return found


@pytest.mark.parametrize(("name", "first", "last"), _ranges())
def test_a_range_that_ends_before_it_begins_names_its_end(org: Console, name: str, first: str, last: str) -> None:
    path = GOOD[name](org).path
    answer = org.admin.send(Ask("GET", path, query={first: _LATE, last: _EARLY}))
    assert_refused(answer, 400, "invalid_request")
    assert answer.json()["details"] == [{"field": last, "message": f"must be later than {first}"}]
    assert org.admin.send(Ask("GET", path, query={first: _EARLY, last: _LATE})).status_code == 200
