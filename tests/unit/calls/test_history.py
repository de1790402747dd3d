"""The history of a number: its calls and the latest name."""

from __future__ import annotations

import pytest

from switchboard.calls import history
from switchboard.calls.history import CallHistory
from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.unit.contacts.book import ADA, BOB, record_call


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"customer_name": " Ada \n Lovelace ", "name": "x"}, "Ada Lovelace"),
        ({"contact_name": "Bob", "order": "1"}, "Bob"),
        ({"customer_name": " ", "contact_name": "n/a", "name": "Zoë"}, "n/a"),
        ({"customer_name": "1815", "name": "--"}, None),
        ({"agent_name": "Ada", "Name": "x"}, None),
        ({"name": "x" * 300}, "x" * 200),
    ],
)
def test_the_name_comes_from_the_variables_about_the_called_person(variables: dict[str, str], name: str | None) -> None:
    assert history.find_name(variables) == name


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


def test_each_call_is_counted_and_the_latest_name_is_kept(acme: Tenant, frozen: clock.FrozenClock) -> None:
    for variables in ({"name": "Ada"}, {"name": "Ada King"}, {}):
        named_at = clock.now_iso()
        frozen.advance(minutes=1)
        record_call(acme, ADA, variables=variables)
    record_call(acme, BOB, simulated=True)
    record_call(tenant("other"), ADA)
    assert history.list_histories(acme.org_id, None, 10) == [
        CallHistory(e164=ADA, calls=3, last_call_at=clock.now_iso(), name="Ada King", named_at=named_at)
    ]


def test_all_numbers_are_listed_in_pages(acme: Tenant) -> None:
    wanted = {f"+1415555010{number}" for number in range(5)}
    for number in sorted(wanted):
        record_call(acme, number)
    seen: list[str] = []
    while found := history.list_histories(acme.org_id, history.number_id(acme.org_id, seen[-1]) if seen else None, 2):
        seen += [one.e164 for one in found]
    assert (len(seen), set(seen)) == (5, wanted)
