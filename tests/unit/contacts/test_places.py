"""Where a contact is: what a member says of it, and what the gate makes of that for every API."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.accounts.models import KeyKind
from switchboard.aws import reads
from switchboard.calls import dialing
from switchboard.calls import service as calls
from switchboard.calls.models import Order, State, Tier
from switchboard.compliance import amendment_service
from switchboard.compliance import service as compliance
from switchboard.compliance.errors import Blocked
from switchboard.compliance.models import Whereabouts
from switchboard.contacts import service
from switchboard.errors import Invalid
from switchboard.events.models import Actor
from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.unit.contacts.book import saved
from tests.unit.contacts.test_http import asking
from tests.unit.opticomm.backend import Backend, make_flow, make_key

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

#: Where the clock stands it is noon in New York, and seven in the morning in Honolulu.
NEW_YORK, TOLL_FREE = "+12125551234", "+18005551234"
HONOLULU, TOKYO = {"time_zone": "Pacific/Honolulu"}, {"time_zone": "Asia/Tokyo"}


@pytest.fixture(autouse=True)
def _asks_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_REASSIGNED_NUMBERS", "simulator")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


def anima(acme: Tenant, to: str, **changes: Any) -> str | None:
    """What Anima's call to a number is refused for, if it is refused."""
    order = Order(to=to, tier=Tier.BASIC, consent_source="business-relationship", **changes)
    try:
        calls.place_call(acme.caller(), order)
    except Blocked as refusal:
        return str(refusal.details["reason"])
    return None


def opticomm(acme: Tenant, to: str, **changes: Any) -> str | None:
    """The same of OptiComm."""
    key, text = make_key(acme.org_id, KeyKind.OPTICOMM_LIVE)
    answer = Backend(acme, key, text, make_flow(acme.org_id)).initiate(phone_number=to, **changes)
    return None if answer.status_code == 200 else str(answer.json()["message"])


def both(acme: Tenant, to: str, **changes: Any) -> set[str | None]:
    """What the two say, in the same words."""
    message = opticomm(acme, to, **changes)
    words = ("outside_hours", "number_of_no_place")
    return {anima(acme, to, **changes), next((word for word in words if word in (message or "")), message)}


def kept(acme: Tenant, e164: str) -> Whereabouts | None:
    item = reads.get_item("core", {"pk": f"{acme.org_id}#whereabouts", "sk": e164})
    return Whereabouts.model_validate(item) if item else None


def test_a_confirmed_zone_takes_the_numbers_place_for_all_apis(acme: Tenant, frozen: clock.FrozenClock) -> None:
    frozen.advance(hours=10)  # ten in the evening in New York, five in the afternoon in Honolulu
    assert both(acme, NEW_YORK) == {"outside_hours"}
    saved(acme, NEW_YORK, **HONOLULU, zone_confirmed=True)
    assert both(acme, NEW_YORK) == {None}
    assert both(tenant("other"), NEW_YORK) == {"outside_hours"}, "it is this organization's record"


def test_an_unconfirmed_zone_only_narrows(acme: Tenant, frozen: clock.FrozenClock) -> None:
    saved(acme, NEW_YORK, **HONOLULU)
    assert both(acme, NEW_YORK) == {"outside_hours"}
    frozen.advance(hours=10)
    assert both(acme, NEW_YORK) == {"outside_hours"}
    frozen.advance(hours=-7)  # three in the afternoon, and ten in the morning
    assert both(acme, NEW_YORK) == {None}


def test_a_zone_and_a_state_that_contradict_each_other_narrow(acme: Tenant, frozen: clock.FrozenClock) -> None:
    frozen.advance(hours=13)  # one at night in New York, eight in the evening in Honolulu
    assert both(acme, TOLL_FREE, time_zone="Pacific/Honolulu", recipient_state="NY") == {"outside_hours"}
    saved(acme, NEW_YORK, **HONOLULU, state="NY", zone_confirmed=True)
    assert both(acme, NEW_YORK) == {"outside_hours"}


def test_what_a_request_states_narrows_a_confirmed_zone(acme: Tenant, frozen: clock.FrozenClock) -> None:
    frozen.advance(hours=10)
    saved(acme, NEW_YORK, **HONOLULU, zone_confirmed=True)
    assert both(acme, NEW_YORK, time_zone="America/New_York") == {"outside_hours"}
    assert both(acme, NEW_YORK, recipient_state="NY") == {"outside_hours"}
    assert both(acme, NEW_YORK, time_zone="America/Anchorage") == {None}


@pytest.mark.parametrize("place", [{"time_zone": "America/New_York"}, {"state": "NY"}, {"state": "ny"}])
@pytest.mark.parametrize("confirmed", [True, False])
def test_a_contact_makes_a_toll_free_number_callable(acme: Tenant, place: dict[str, str], confirmed: bool) -> None:
    assert both(acme, TOLL_FREE) == {"number_of_no_place"}
    contact = saved(acme, TOLL_FREE, **place, zone_confirmed=confirmed)
    assert both(acme, TOLL_FREE) == {None}
    service.delete_contact(acme.caller(master=True), contact.id)
    assert both(acme, TOLL_FREE) == {"number_of_no_place"}
    assert kept(acme, TOLL_FREE) is None


def test_a_contacts_state_brings_its_law_and_operators_rows(acme: Tenant, frozen: clock.FrozenClock) -> None:
    frozen.advance(hours=3, minutes=30)  # half past three in New York, half past two in Texas
    saved(acme, NEW_YORK, state="TX", zone_confirmed=True)
    assert anima(acme, NEW_YORK) is None
    today = clock.now().date()
    row = {"kind": "closure", "place": "US-TX", "first": today, "last": today, "source": "a proclamation"}
    amendment_service.add_amendment(Actor(type="system", id="ops"), **row)
    assert anima(acme, NEW_YORK) == "outside_hours"
    assert anima(tenant("other"), NEW_YORK) is None


def test_a_confirmation_after_the_call_was_accepted_counts_when_it_is_dialed(acme: Tenant) -> None:
    order = Order(to=NEW_YORK, tier=Tier.BASIC, consent_source="business-relationship")
    call = calls.place_call(acme.caller(), order)
    saved(acme, NEW_YORK, **TOKYO, zone_confirmed=True)  # two at night there
    dialing.dial_call(acme.org_id, call.id)
    found = calls.find_call(acme.org_id, call.id)
    assert found is not None
    assert found.state is State.CANCELED
    input_ = compliance.get_verdict(acme.org_id, call.id).rule("quiet_hours").input
    assert input_["record"]["time_zone"] == "Asia/Tokyo"
    assert input_["record"]["confirmed"] is True
    assert input_["record"]["by"] == acme.caller(master=True).actor.id


def test_another_place_ends_the_confirmation(acme: Tenant) -> None:
    saved(acme, NEW_YORK, **HONOLULU, zone_confirmed=True)
    assert saved(acme, NEW_YORK, display_name="Ada").zone_confirmed
    assert saved(acme, NEW_YORK, time_zone="Pacific/Honolulu").zone_confirmed, "the same place"
    for change in ({"time_zone": "America/Denver"}, {"state": "CO"}):
        assert saved(acme, NEW_YORK, zone_confirmed=True).zone_confirmed
        assert not saved(acme, NEW_YORK, **change).zone_confirmed
        where = kept(acme, NEW_YORK)
        assert where is not None
        assert not where.confirmed
    gone = saved(acme, NEW_YORK, time_zone=None, state=None)
    assert (gone.time_zone, gone.state, gone.zone_confirmed) == (None, None, False)
    assert kept(acme, NEW_YORK) is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"time_zone": "Etc/GMT+10"}, "time_zone"),
        ({"time_zone": "localtime"}, "time_zone"),
        ({"state": "ZZ"}, "state"),
        ({"zone_confirmed": True}, "zone_confirmed"),
        ({"time_zone": " ", "zone_confirmed": True}, "zone_confirmed"),
    ],
)
def test_what_is_no_place_is_refused(acme: Tenant, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        saved(acme, NEW_YORK, **changes)
    assert refusal.value.details["fields"].keys() == {field}
    assert kept(acme, NEW_YORK) is None


def test_a_member_states_and_confirms_a_place(acme: Tenant) -> None:
    ask = asking(acme.org_id)
    status, made = ask("POST", "", {"e164": TOLL_FREE, "time_zone": "America/New_York", "state": "ny"})
    assert (status, made["time_zone"], made["state"], made["zone_confirmed"]) == (200, "America/New_York", "NY", False)
    status, changed = ask("PATCH", f"/{made['id']}", {"zone_confirmed": True})
    assert (status, changed["zone_confirmed"]) == (200, True)
    assert both(acme, TOLL_FREE) == {None}
    status, changed = ask("PATCH", f"/{made['id']}", {"time_zone": None, "state": None})
    assert (status, changed["zone_confirmed"]) == (200, False)
    status, refused = ask("PATCH", f"/{made['id']}", {"state": "New York"})
    assert status == 400, refused
