"""The place of a contact: a member states it, and the gate uses it for every API."""

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
from switchboard.compliance.models import Whereabouts
from switchboard.compliance.verdicts import Blocked
from switchboard.contacts import service
from switchboard.errors import Invalid
from switchboard.events.models import Actor
from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.unit.contacts.book import save_contact
from tests.unit.contacts.test_http import ask_as_member
from tests.unit.opticomm.backend import Backend, make_flow, make_key

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

#: At the clock's time it is noon in New York and 7:00 in Honolulu.
NEW_YORK, TOLL_FREE = "+12125551234", "+18005551234"
HONOLULU, TOKYO = {"time_zone": "Pacific/Honolulu"}, {"time_zone": "Asia/Tokyo"}


@pytest.fixture(autouse=True)
def _skip_paid_lookups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_REASSIGNED_NUMBERS", "simulator")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


def anima_refusal(acme: Tenant, to: str, **changes: Any) -> str | None:
    """Returns the code with which Anima refuses a call to the number, or `None`."""
    order = Order(to=to, tier=Tier.BASIC, consent_source="business-relationship", **changes)
    try:
        calls.place_call(acme.caller(), order)
    except Blocked as refusal:
        return str(refusal.details["reason"])
    return None


def opticomm_refusal(acme: Tenant, to: str, **changes: Any) -> str | None:
    """Returns the code with which OptiComm refuses a call to the number, or `None`."""
    key, text = make_key(acme.org_id, KeyKind.OPTICOMM_LIVE)
    answer = Backend(acme, key, text, make_flow(acme.org_id)).initiate(phone_number=to, **changes)
    return None if answer.status_code == 200 else str(answer.json()["message"])


def both_refusals(acme: Tenant, to: str, **changes: Any) -> set[str | None]:
    """Returns the codes of both APIs. Equal codes are one."""
    message = opticomm_refusal(acme, to, **changes)
    words = ("outside_hours", "number_of_no_place")
    return {anima_refusal(acme, to, **changes), next((word for word in words if word in (message or "")), message)}


def read_place(acme: Tenant, e164: str) -> Whereabouts | None:
    item = reads.get_item("core", {"pk": f"{acme.org_id}#whereabouts", "sk": e164})
    return Whereabouts.model_validate(item) if item else None


def test_a_confirmed_zone_replaces_the_numbers_zones_for_all_apis(acme: Tenant, frozen: clock.FrozenClock) -> None:
    frozen.advance(hours=10)  # 22:00 in New York, 17:00 in Honolulu
    assert both_refusals(acme, NEW_YORK) == {"outside_hours"}
    save_contact(acme, NEW_YORK, **HONOLULU, zone_confirmed=True)
    assert both_refusals(acme, NEW_YORK) == {None}
    assert both_refusals(tenant("other"), NEW_YORK) == {"outside_hours"}, "the record belongs to this organization"


def test_an_unconfirmed_zone_only_narrows_the_hours(acme: Tenant, frozen: clock.FrozenClock) -> None:
    save_contact(acme, NEW_YORK, **HONOLULU)
    assert both_refusals(acme, NEW_YORK) == {"outside_hours"}
    frozen.advance(hours=10)
    assert both_refusals(acme, NEW_YORK) == {"outside_hours"}
    frozen.advance(hours=-7)  # 15:00 and 10:00
    assert both_refusals(acme, NEW_YORK) == {None}


def test_a_zone_and_a_state_that_contradict_each_other_narrow_the_hours(
    acme: Tenant, frozen: clock.FrozenClock
) -> None:
    frozen.advance(hours=13)  # 1:00 in New York, 20:00 in Honolulu
    assert both_refusals(acme, TOLL_FREE, time_zone="Pacific/Honolulu", recipient_state="NY") == {"outside_hours"}
    save_contact(acme, NEW_YORK, **HONOLULU, state="NY", zone_confirmed=True)
    assert both_refusals(acme, NEW_YORK) == {"outside_hours"}


def test_a_requests_place_narrows_a_confirmed_zone(acme: Tenant, frozen: clock.FrozenClock) -> None:
    frozen.advance(hours=10)
    save_contact(acme, NEW_YORK, **HONOLULU, zone_confirmed=True)
    assert both_refusals(acme, NEW_YORK, time_zone="America/New_York") == {"outside_hours"}
    assert both_refusals(acme, NEW_YORK, recipient_state="NY") == {"outside_hours"}
    assert both_refusals(acme, NEW_YORK, time_zone="America/Anchorage") == {None}


@pytest.mark.parametrize("place", [{"time_zone": "America/New_York"}, {"state": "NY"}, {"state": "ny"}])
@pytest.mark.parametrize("confirmed", [True, False])
def test_a_contact_with_a_place_makes_a_toll_free_number_callable(
    acme: Tenant, place: dict[str, str], confirmed: bool
) -> None:
    assert both_refusals(acme, TOLL_FREE) == {"number_of_no_place"}
    contact = save_contact(acme, TOLL_FREE, **place, zone_confirmed=confirmed)
    assert both_refusals(acme, TOLL_FREE) == {None}
    service.delete_contact(acme.caller(master=True), contact.id)
    assert both_refusals(acme, TOLL_FREE) == {"number_of_no_place"}
    assert read_place(acme, TOLL_FREE) is None


def test_a_contacts_state_applies_its_law_and_the_operators_rows(acme: Tenant, frozen: clock.FrozenClock) -> None:
    frozen.advance(hours=3, minutes=30)  # 15:30 in New York, 14:30 in Texas
    save_contact(acme, NEW_YORK, state="TX", zone_confirmed=True)
    assert anima_refusal(acme, NEW_YORK) is None
    today = clock.now().date()
    row = {"kind": "closure", "place": "US-TX", "first": today, "last": today, "source": "a proclamation"}
    amendment_service.add_amendment(Actor(type="system", id="ops"), **row)
    assert anima_refusal(acme, NEW_YORK) == "outside_hours"
    assert anima_refusal(tenant("other"), NEW_YORK) is None


def test_a_confirmation_after_the_acceptance_counts_at_dialing(acme: Tenant) -> None:
    order = Order(to=NEW_YORK, tier=Tier.BASIC, consent_source="business-relationship")
    call = calls.place_call(acme.caller(), order)
    save_contact(acme, NEW_YORK, **TOKYO, zone_confirmed=True)  # 2:00 there
    dialing.dial_call(acme.org_id, call.id)
    found = calls.find_call(acme.org_id, call.id)
    assert found is not None
    assert found.state is State.CANCELED
    input_ = compliance.get_verdict(acme.org_id, call.id).find_result("quiet_hours").input
    assert input_["record"]["time_zone"] == "Asia/Tokyo"
    assert input_["record"]["confirmed"] is True
    assert input_["record"]["by"] == acme.caller(master=True).actor.id


def test_another_place_removes_the_confirmation(acme: Tenant) -> None:
    save_contact(acme, NEW_YORK, **HONOLULU, zone_confirmed=True)
    assert save_contact(acme, NEW_YORK, display_name="Ada").zone_confirmed
    assert save_contact(acme, NEW_YORK, time_zone="Pacific/Honolulu").zone_confirmed, "the same place"
    for change in ({"time_zone": "America/Denver"}, {"state": "CO"}):
        assert save_contact(acme, NEW_YORK, zone_confirmed=True).zone_confirmed
        assert not save_contact(acme, NEW_YORK, **change).zone_confirmed
        where = read_place(acme, NEW_YORK)
        assert where is not None
        assert not where.confirmed
    gone = save_contact(acme, NEW_YORK, time_zone=None, state=None)
    assert (gone.time_zone, gone.state, gone.zone_confirmed) == (None, None, False)
    assert read_place(acme, NEW_YORK) is None


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
def test_an_invalid_place_is_refused(acme: Tenant, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        save_contact(acme, NEW_YORK, **changes)
    assert refusal.value.details["fields"].keys() == {field}
    assert read_place(acme, NEW_YORK) is None


def test_a_member_states_and_confirms_a_place(acme: Tenant) -> None:
    ask = ask_as_member(acme.org_id)
    status, made = ask("POST", "", {"e164": TOLL_FREE, "time_zone": "America/New_York", "state": "ny"})
    assert (status, made["time_zone"], made["state"], made["zone_confirmed"]) == (200, "America/New_York", "NY", False)
    status, changed = ask("PATCH", f"/{made['id']}", {"zone_confirmed": True})
    assert (status, changed["zone_confirmed"]) == (200, True)
    assert both_refusals(acme, TOLL_FREE) == {None}
    status, changed = ask("PATCH", f"/{made['id']}", {"time_zone": None, "state": None})
    assert (status, changed["zone_confirmed"]) == (200, False)
    status, refused = ask("PATCH", f"/{made['id']}", {"state": "New York"})
    assert status == 400, refused
