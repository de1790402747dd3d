"""Flows under faults: a save, a rollback and a deletion that are killed between any two AWS calls happen once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import count

import pytest

from switchboard.aws.dynamodb import decode_item
from switchboard.errors import NotFound
from switchboard.flows import changes, service, store, versions
from switchboard.flows.models import Flow, FlowSettings, FlowSource
from switchboard.kit import clock
from tests.actors import Tenant, tenant, with_effect
from tests.integration.sabotage import Sabotage, scan_items

TEXT = "# Our desk\nname: Desk\ngreeting: Good day.\n"
Change = Callable[[Tenant, Flow], None]


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.fixture
def saboteur(acme: Tenant) -> Sabotage:
    return Sabotage()


def make_flow(acme: Tenant) -> Flow:
    """A flow with two versions, which transfers calls to another flow."""
    caller = acme.caller(master=True)
    target = service.create_flow(caller, FlowSettings(name="Sales"))
    flow = service.create_flow(caller, FlowSettings(name="Desk", flow_transfer_map_json=f'{{"sales": "{target.id}"}}'))
    return changes.update_flow(caller, flow.id, {"greeting": "Hello."})


def save(acme: Tenant, flow: Flow) -> None:
    caller = with_effect(acme.caller(master=True), f"save {flow.id}")
    changes.save_config(caller, flow.id, FlowSource(TEXT, "yaml"), effect=caller.effect)


def roll_back(acme: Tenant, flow: Flow) -> None:
    caller = with_effect(acme.caller(master=True), f"roll back {flow.id}")
    changes.rollback_flow(caller, flow.id, 1, effect=caller.effect)


def delete(acme: Tenant, flow: Flow) -> None:
    caller = with_effect(acme.caller(master=True), f"delete {flow.id}")
    changes.delete_flow(caller, flow.id, caller.effect)


def count_events(flow: Flow) -> Counter[str]:
    rows = [decode_item(item) for item in scan_items("activity")]
    return Counter(str(row["type"]) for row in rows if row.get("outbox") == "event" and row["subject"]["id"] == flow.id)


def require_saved(acme: Tenant, flow: Flow) -> None:
    found = versions.get_config(acme.org_id, flow.id)
    assert (found.flow.version, found.flow.greeting, found.source.text) == (3, "Good day.", TEXT)
    assert count_events(flow) == {"flow.created": 1, "flow.updated": 2}
    assert store.list_transferring_flows(acme.org_id, flow.flow_transfer_map["sales"]) == []


def require_rolled_back(acme: Tenant, flow: Flow) -> None:
    assert service.get_flow(acme.org_id, flow.id).greeting == ""
    assert count_events(flow) == {"flow.created": 1, "flow.updated": 1, "flow.rolled_back": 1}
    senders = store.list_transferring_flows(acme.org_id, flow.flow_transfer_map["sales"])
    assert [sender.id for sender in senders] == [flow.id]


@pytest.mark.parametrize(("change", "require"), [(save, require_saved), (roll_back, require_rolled_back)])
def test_a_new_version_that_was_killed_anywhere_is_made_once_by_its_repetition(
    acme: Tenant, saboteur: Sabotage, change: Change, require: Change
) -> None:
    for done in count():
        flow, finished = make_flow(acme), False
        with saboteur.killing(after=done):
            change(acme, flow)
            finished = True
        change(acme, flow)
        change(acme, flow)
        require(acme, flow)
        listed, _ = versions.list_flow_versions(acme.org_id, flow.id, 10, None)
        assert [entry.version for entry in listed] == [3, 2, 1], done
        assert all(service.get_flow_version(acme.org_id, flow.id, version).version == version for version in (1, 2, 3))
        if finished:
            break
    assert done > 2


def test_a_deletion_that_was_killed_anywhere_is_made_once_by_its_repetition(acme: Tenant, saboteur: Sabotage) -> None:
    for done in count():
        flow, finished = make_flow(acme), False
        with saboteur.killing(after=done):
            delete(acme, flow)
            finished = True
        delete(acme, flow)
        delete(acme, flow)
        with pytest.raises(NotFound):
            service.get_flow(acme.org_id, flow.id)
        assert count_events(flow) == {"flow.created": 1, "flow.updated": 1, "flow.deleted": 1}, done
        assert store.list_transferring_flows(acme.org_id, flow.flow_transfer_map["sales"]) == []
        assert service.get_flow_version(acme.org_id, flow.id, 2) == flow, "calls in progress still find it"
        if finished:
            break
    assert done > 2


@pytest.mark.parametrize("change", [save, roll_back, delete])
def test_a_change_whose_answer_was_lost_is_made_once(acme: Tenant, saboteur: Sabotage, change: Change) -> None:
    flow = make_flow(acme)
    saboteur.lose_answer("TransactWriteItems")
    change(acme, flow)
    change(acme, flow)
    assert sum(count_events(flow).values()) == 3
