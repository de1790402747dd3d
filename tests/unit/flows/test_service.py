"""Flows: their owners, and the names by which they are found."""

from __future__ import annotations

from uuid import UUID

import pytest

from switchboard.errors import Conflict, Invalid, NotFound
from switchboard.flows import service
from switchboard.flows.models import Flow, FlowSettings
from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.unit.opticomm.backend import origin

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


def create_flow(owner: Tenant, **settings: object) -> Flow:
    return service.create_flow(
        origin(owner.org_id), FlowSettings.model_validate({"name": "Ada", "kind": "outbound"} | settings)
    )


def test_a_flow_is_found_by_its_uuid_and_by_its_providers_agent(acme: Tenant) -> None:
    flow = create_flow(acme, provider_agent_id="agent_1")
    assert UUID(flow.id).version == 7
    for name in (flow.id, flow.id.upper(), "agent_1"):
        assert service.get_outbound_flow(acme.org_id, name) == flow
    assert service.get_flow(acme.org_id, flow.id) == flow
    assert (flow.version, flow.created_at) == (1, clock.now_iso())


def test_organizations_are_separate_and_may_use_the_same_agent(acme: Tenant) -> None:
    flow, other = create_flow(acme, provider_agent_id="agent_1"), tenant("other")
    for name in (flow.id, "agent_1"):
        with pytest.raises(NotFound):
            service.get_outbound_flow(other.org_id, name)
    with pytest.raises(NotFound):
        service.get_flow(other.org_id, flow.id)
    theirs = create_flow(other, provider_agent_id="agent_1")
    assert service.get_outbound_flow(other.org_id, "agent_1").id == theirs.id != flow.id


def test_a_providers_agent_belongs_to_one_flow(acme: Tenant) -> None:
    create_flow(acme, provider_agent_id="agent_1")
    with pytest.raises(Conflict):
        create_flow(acme, provider_agent_id="agent_1")
    assert len(service.list_flows(acme.org_id, 10, None)[0]) == 1


def test_an_inbound_flow_cannot_call(acme: Tenant) -> None:
    flow = create_flow(acme, kind="inbound", provider_agent_id="agent_in")
    assert service.get_flow(acme.org_id, flow.id).kind == "inbound"
    for name in (flow.id, "agent_in"):
        with pytest.raises(NotFound):
            service.get_outbound_flow(acme.org_id, name)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"voice": "nobody"}, "voice"),
        ({"provider_agent_id": "ag_1"}, "provider_agent_id"),
        ({"provider_agent_id": "agent_" + "x" * 200}, "provider_agent_id"),
        ({"caller_id": "12125550100"}, "caller_id"),
        ({"consent_source": "hearsay", "consent_date": "2025-12-01"}, "consent"),
        ({"consent_source": "customer-initiated", "consent_date": "2999-01-01"}, "consent"),
        # One day too old: three months after an inquiry, 18 after a purchase, five years else.
        ({"consent_source": "customer-initiated", "consent_date": "2025-10-14"}, "consent"),
        ({"consent_source": "business-relationship", "consent_date": "2024-07-14"}, "consent"),
        ({"consent_source": "opt-in:web-form", "consent_date": "2021-01-14"}, "consent"),
        ({"consent_source": "opt-in:web-form", "consent_date": "0001-01-01T00:00:00Z"}, "consent"),
        ({"consent_source": "customer-initiated"}, "consent_date"),
        ({"consent_date": "2025-12-01"}, "consent_source"),
    ],
)
def test_an_unusable_flow_is_refused(acme: Tenant, settings: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        create_flow(acme, **settings)
    assert refusal.value.details["fields"].keys() == {field}


def test_flows_are_listed_newest_first_page_by_page(acme: Tenant, frozen: clock.FrozenClock) -> None:
    flows = []
    for number in range(3):
        flows.append(create_flow(acme, name=f"Flow {number}", provider_agent_id=f"agent_{number}").id)
        frozen.advance(seconds=1)
    found, after = service.list_flows(acme.org_id, 2, None)
    rest, end = service.list_flows(acme.org_id, 2, after)
    assert ([flow.id for flow in (*found, *rest)], end) == (flows[::-1], None)


@pytest.mark.parametrize(
    ("source", "day"),
    [("customer-initiated", "2025-10-15"), ("business-relationship", "2024-07-15"), ("opt-in:web-form", "2021-01-15")],
)
def test_a_consent_is_valid_until_its_last_day(acme: Tenant, source: str, day: str) -> None:
    assert create_flow(acme, consent_source=source, consent_date=day).consent_date == day
