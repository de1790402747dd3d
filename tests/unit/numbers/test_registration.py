"""Registering numbers of the provider's inventory: one, or all."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from switchboard.accounts import organizations
from switchboard.accounts.plans import PlanName
from switchboard.carriers.numbers.ports.inventory import Features, OwnedNumber
from switchboard.errors import Forbidden, Invalid, NotFound, Unavailable
from switchboard.flows import assignments
from switchboard.flows import service as flows
from switchboard.flows.models import FlowSettings
from switchboard.kit import clock
from switchboard.numbers import configuration, registration, service
from switchboard.numbers.models import Number, NumberStatus
from switchboard.numbers.registration import SyncCount
from tests.actors import Tenant, tenant
from tests.unit.numbers.doubles import FakeInventory

pytestmark = pytest.mark.usefixtures("cloud")

NUMBER, OTHER = "+14155550128", "+14155550146"


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, provider: FakeInventory) -> Tenant:
    return tenant("acme")


def register(who: Tenant, sid: str, e164: str = NUMBER, **given: str) -> Number:
    return assignments.register_number(who.caller(master=True), sid, e164, **given)


def sync(who: Tenant) -> SyncCount:
    return registration.sync_numbers(who.caller(master=True))


def test_a_number_of_the_inventory_is_registered_once(acme: Tenant, provider: FakeInventory) -> None:
    owned = provider.give(acme.org_id, NUMBER, "Old name")
    number = register(acme, owned.sid.lower().replace("pn", "PN"))
    assert (number.e164, number.friendly_name, number.sid) == (NUMBER, "Old name", owned.sid)
    assert register(acme, owned.sid) == number
    with pytest.raises(Invalid) as refused:
        register(acme, owned.sid, friendly_name="Other")
    assert (refused.value.code, service.list_numbers(acme.org_id)) == ("number_exists", [number])


def test_a_number_outside_the_inventory_looks_like_a_number_of_somebody_else(
    acme: Tenant, provider: FakeInventory
) -> None:
    other = tenant("other")
    theirs = provider.give(other.org_id, NUMBER)
    mine = provider.give(acme.org_id, OTHER)
    register(other, theirs.sid)
    for sid, e164 in ((theirs.sid, NUMBER), ("PN" + "0" * 32, NUMBER), (mine.sid, NUMBER)):
        with pytest.raises(Invalid) as refused:
            register(acme, sid, e164)
        assert refused.value.code == "number_not_in_inventory"
    assert service.list_numbers(acme.org_id) == []


def test_a_sync_adds_changes_and_releases(acme: Tenant, provider: FakeInventory, frozen: clock.FrozenClock) -> None:
    flow = flows.create_flow(acme.caller(master=True), FlowSettings(name="Desk"))
    owned = provider.give(acme.org_id, NUMBER)
    number = register(acme, owned.sid, flow_id=flow.id)
    provider.give(acme.org_id, OTHER)
    assert sync(acme) == (1, 0, 0)
    frozen.advance(minutes=2)
    inventory = provider.owned[acme.org_id]
    del inventory[owned.sid]
    (kept,) = inventory.values()
    inventory[kept.sid] = OwnedNumber(kept.sid, OTHER, "", Features(voice=True, sms=False, mms=False))
    assert sync(acme) == (0, 1, 1)
    released = service.get_number(acme.org_id, number.id)
    assert (released.status, released.flow_id) == (NumberStatus.RELEASED, None)
    assert service.list_numbers_of_flow(acme.org_id, flow.id) == []
    assert service.find_number_by_e164(NUMBER) is None
    changed = service.find_number_by_e164(OTHER)
    assert changed
    assert not changed.capabilities.sms
    assert sync(acme) == (0, 0, 0)
    assert organizations.get_gauge(acme.org_id, "numbers") == 1


def test_a_released_number_gets_no_flow(acme: Tenant, provider: FakeInventory, frozen: clock.FrozenClock) -> None:
    flow = flows.create_flow(acme.caller(master=True), FlowSettings(name="Desk"))
    owned = provider.give(acme.org_id, NUMBER)
    number = register(acme, owned.sid)
    provider.owned.clear()
    frozen.advance(minutes=2)
    sync(acme)
    with pytest.raises(Invalid) as refused:
        assignments.update_number(acme.caller(master=True), number.id, {"flow_id": flow.id})
    assert refused.value.code == "number_released"


@pytest.mark.parametrize("field", ["flow_id", "sms_flow_id"])
def test_a_number_gets_no_flow_that_it_cannot_serve(acme: Tenant, provider: FakeInventory, field: str) -> None:
    master = acme.caller(master=True)
    flow = flows.create_flow(master, FlowSettings(name="Desk"))
    provider.features = Features(voice=field != "flow_id", sms=field != "sms_flow_id", mms=False)
    owned = provider.give(acme.org_id, NUMBER)
    number = register(acme, owned.sid)
    with pytest.raises(Invalid) as refused:
        assignments.update_number(master, number.id, {field: flow.id})
    assert list(refused.value.details["fields"]) == [field]
    other = "sms_flow_id" if field == "flow_id" else "flow_id"
    assert getattr(assignments.update_number(master, number.id, {other: flow.id}), other) == flow.id


def test_a_number_without_calls_is_not_registered_for_a_flow(acme: Tenant, provider: FakeInventory) -> None:
    flow = flows.create_flow(acme.caller(master=True), FlowSettings(name="Desk"))
    provider.features = Features(voice=False, sms=True, mms=False)
    owned = provider.give(acme.org_id, NUMBER)
    with pytest.raises(Invalid) as refused:
        assignments.register_number(acme.caller(master=True), owned.sid, NUMBER, None, flow.id)
    assert refused.value.details["fields"] == {"flow_id": "cannot take calls: choose a number with voice"}
    assert service.list_numbers(acme.org_id) == []


def test_a_silent_provider_changes_nothing(acme: Tenant, provider: FakeInventory) -> None:
    number = register(acme, provider.give(acme.org_id, NUMBER).sid)
    provider.silent = True
    with pytest.raises(Unavailable) as refused:
        sync(acme)
    assert refused.value.details["retry_after"]
    assert service.list_numbers(acme.org_id) == [number]


def test_an_inventory_beyond_the_plan_changes_nothing(
    cloud: dict[str, str], frozen: clock.FrozenClock, provider: FakeInventory
) -> None:
    small = tenant("small", PlanName.FREE, numbers=20)
    for number in range(21):
        provider.give(small.org_id, f"+1415555{number:04d}")
    with pytest.raises(Forbidden) as refused:
        sync(small)
    assert (refused.value.code, service.list_numbers(small.org_id)) == ("number_limit", [])
    provider.owned[small.org_id].popitem()
    assert sync(small) == (20, 0, 0)


def test_numbers_of_a_flow_follow_its_assignments(acme: Tenant, provider: FakeInventory) -> None:
    caller = acme.caller(master=True)
    desk, night = (flows.create_flow(caller, FlowSettings(name=name)) for name in ("Desk", "Night"))
    number = register(acme, provider.give(acme.org_id, NUMBER).sid, flow_id=desk.id)
    assignments.update_number(caller, number.id, {"sms_flow_id": desk.id})
    both = assignments.update_number(caller, number.id, {"flow_id": night.id})
    assert service.list_numbers_of_flow(acme.org_id, desk.id) == [both]
    assert service.list_numbers_of_flow(acme.org_id, night.id) == [both]
    none = assignments.update_number(caller, number.id, {"flow_id": None, "sms_flow_id": None})
    assert service.list_numbers_of_flow(acme.org_id, desk.id) == []
    assert (none.version, none.flow_ids) == (4, set())


def test_numbers_and_flows_of_another_organization_do_not_exist(acme: Tenant, provider: FakeInventory) -> None:
    other = tenant("other")
    number = register(acme, provider.give(acme.org_id, NUMBER).sid)
    flow = flows.create_flow(other.caller(master=True), FlowSettings(name="Desk"))
    with pytest.raises(NotFound):
        assignments.update_number(other.caller(master=True), number.id, {"flow_id": flow.id})
    with pytest.raises(Invalid) as refused:
        assignments.update_number(acme.caller(master=True), number.id, {"flow_id": flow.id})
    assert refused.value.code == "unknown_flow"


def test_the_provider_learns_our_urls(acme: Tenant, provider: FakeInventory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_CALLBACKS_URL", "https://api.example.com/")
    number = register(acme, provider.give(acme.org_id, NUMBER).sid)
    configuration.configure_number(acme.org_id, number.id)
    ((sid, told),) = provider.configured
    assert (sid, told.voice_url) == (number.sid, f"https://api.example.com/twilio/voice/{number.id}")
    assert told.voice_fallback_url == "https://api.example.com/twilio/fallback"
    assert told == configuration.make_settings(number.id, number.friendly_name)


_E164 = st.integers(0, 30).map(lambda last: f"+1415555{last:04d}")


@given(st.lists(st.sets(_E164, max_size=25), max_size=4))
@hypothesis_settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
def test_after_every_sync_the_active_numbers_are_the_inventory(
    acme: Tenant, provider: FakeInventory, frozen: clock.FrozenClock, inventories: list[set[str]]
) -> None:
    for inventory in inventories:
        before = {number.e164 for number in service.list_numbers(acme.org_id) if number.active}
        provider.owned.clear()
        for e164 in inventory:
            provider.give(acme.org_id, e164)
        frozen.advance(minutes=2)
        assert sync(acme) == (len(inventory - before), 0, len(before - inventory))
        active = [number for number in service.list_numbers(acme.org_id) if number.active]
        assert sorted(number.e164 for number in active) == sorted(inventory)
        assert organizations.get_gauge(acme.org_id, "numbers") == len(inventory)
        assert all(service.find_number_by_e164(number.e164) == number for number in active)
