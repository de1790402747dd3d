"""The deletion of an organization."""

from __future__ import annotations

from collections import Counter

import pytest

from switchboard.access import keys as access
from switchboard.accounts import organizations
from switchboard.agents import service as agents
from switchboard.carriers.numbers import get_inventory
from switchboard.dialects.anima import dialect
from switchboard.errors import Conflict, Unauthenticated, Unavailable
from switchboard.kit import clock
from switchboard.numbers import registration
from switchboard.offboarding import service
from tests.actors import Tenant, system
from tests.unit.offboarding.property import KINDS, create_rich_organization, find_left

NUMBER = "+14155550128"


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return create_rich_organization("acme", NUMBER)


def test_everything_that_can_act_or_be_erased_goes(acme: Tenant) -> None:
    before = find_left(acme.org_id)
    assert set(before) == set(KINDS)
    assert all(before.values()), before
    deleted = Counter(service.delete_organization(system(acme.org_id)))
    assert deleted == Counter(before) + Counter(organization=1)
    assert not any(find_left(acme.org_id).values())
    assert organizations.get_organization(acme.org_id).status == "deleted"
    assert list(service.delete_organization(system(acme.org_id))) == [], "a second run finds nothing"


def test_its_keys_and_its_inbox_are_closed(acme: Tenant) -> None:
    address = agents.get_agent(acme.org_id, acme.agent_id).address
    list(service.delete_organization(system(acme.org_id)))
    access.clear_cache()
    for key in (acme.agent_key, acme.master_key):
        with pytest.raises(Unauthenticated):
            access.authenticate_key(key, dialect.KEYS)
    assert agents.find_agent_by_address(address) is None


def test_it_never_becomes_active_again(acme: Tenant) -> None:
    list(service.delete_organization(system(acme.org_id)))
    for status in ("active", "suspended"):
        with pytest.raises(Conflict, match="create a new one"):
            organizations.set_status(system(acme.org_id), status)
    assert organizations.get_organization(acme.org_id).status == "deleted"


def test_another_organization_keeps_everything(acme: Tenant) -> None:
    other = create_rich_organization("other", "+14155550129")
    before = find_left(other.org_id)
    list(service.delete_organization(system(acme.org_id)))
    assert find_left(other.org_id) == before


def test_a_silent_provider_of_numbers_stops_only_the_last_step(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: str) -> None:
        raise Unavailable("The provider does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(type(get_inventory()), "release", refuse)
        with pytest.raises(Unavailable):
            list(service.delete_organization(system(acme.org_id)))
    left = find_left(acme.org_id)
    assert {kind for kind, number in left.items() if number} == {"number"}
    assert list(service.delete_organization(system(acme.org_id))) == ["number"]


def test_a_number_at_a_provider_that_is_not_configured_stays(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        name = "other"

    monkeypatch.setattr(registration, "get_inventory", Other)
    with pytest.raises(Conflict, match="release it there"):
        list(service.delete_organization(system(acme.org_id)))
    assert find_left(acme.org_id)["number"] == 1
