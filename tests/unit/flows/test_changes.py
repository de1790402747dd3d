"""Changes of flows: versions, rollbacks, copies and deletions, and what uses a flow."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from switchboard.aws.writes import Delete, commit
from switchboard.errors import Conflict, Invalid, NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin
from switchboard.flows import assignments, changes, service, store, versions
from switchboard.flows.models import Flow, FlowSettings, FlowSource
from switchboard.kit import clock, ids
from switchboard.numbers import records
from switchboard.numbers import service as numbers
from switchboard.numbers.models import Number, NumberCapabilities
from switchboard.persistence.idempotency import IdempotencyKey
from tests.actors import Tenant, member, tenant

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


@pytest.fixture
def ada(acme: Tenant) -> Origin:
    return member(acme.org_id)


def make_flow(origin: Origin, **settings: Any) -> Flow:
    return service.create_flow(origin, FlowSettings.model_validate({"name": "Desk"} | settings))


def make_early_flow(origin: Origin, **settings: Any) -> Flow:
    """Makes a flow as before versions were kept: with neither an entry nor a snapshot."""
    flow = make_flow(origin, **settings)
    for kind in ("versions", "snapshots"):
        key = {"pk": f"{flow.org_id}#flow-{kind}#{flow.id}", "sk": f"{1:010}"}
        commit(Delete(table="core", key=key, condition="attribute_exists(pk)"))
    return flow


def make_number(origin: Origin, e164: str = "+14155550142", **fields: Any) -> Number:
    now = clock.now_iso()
    number = Number(
        id=ids.new_id("num"),
        org_id=origin.org_id,
        sid="PN" + "0" * 32,
        e164=e164,
        friendly_name="Desk",
        capabilities=NumberCapabilities(voice=True, sms=True),
        monthly_cost_cents=115,
        provider="simulator",
        created_at=now,
        updated_at=now,
        **fields,
    )
    commit(records.number_writes(origin, number, "number.registered"))
    return number


def events_of(org_id: str, subject: str) -> list[tuple[str, Any]]:
    hour = timedelta(hours=1)
    since, until = (clock.format_iso(clock.now() + at) for at in (-hour, hour))
    found = [one for one in events.events_between(since, until, org_id) if one.subject.id == subject]
    return [(one.type, one.data) for one in sorted(found, key=lambda one: one.sequence)]


def test_a_change_is_a_version_and_a_call_keeps_the_version_of_its_start(acme: Tenant, ada: Origin) -> None:
    flow = make_flow(ada, greeting="Hello.")
    changed = changes.update_flow(ada, flow.id, {"greeting": "Good morning.", "name": "Desk"})
    assert (changed.version, changed.greeting, changed.updated_by) == (2, "Good morning.", ada.actor.id)
    assert service.get_flow(acme.org_id, flow.id) == changed
    assert service.get_flow_version(acme.org_id, flow.id, 1) == flow
    listed, after = versions.list_flow_versions(acme.org_id, flow.id, 10, None)
    assert ([one.version for one in listed], after) == ([2, 1], None)
    first, cursor = versions.list_flow_versions(acme.org_id, flow.id, 1, None)
    second, _ = versions.list_flow_versions(acme.org_id, flow.id, 1, cursor)
    assert [one.version for one in (*first, *second)] == [2, 1]
    changes.delete_flow(ada, flow.id)
    assert service.get_flow_version(acme.org_id, flow.id, 2) == changed


def test_a_change_without_a_difference_is_no_version(ada: Origin) -> None:
    flow = make_flow(ada)
    assert changes.update_flow(ada, flow.id, {"name": "Desk"}) == flow


def test_a_change_of_an_outdated_version_is_refused(ada: Origin) -> None:
    flow = make_flow(ada)
    assert changes.update_flow(ada, flow.id, {"name": "A"}, expected=1).version == 2
    with pytest.raises(Conflict) as refused:
        changes.update_flow(ada, flow.id, {"name": "B"}, expected=1)
    assert (refused.value.code, refused.value.details) == ("version_conflict", {"version": 2})


def test_a_repeated_request_changes_once(acme: Tenant) -> None:
    effect = IdempotencyKey(scope="ada", key="k", fingerprint="f")
    ada = member(acme.org_id)
    made = service.create_flow(ada, FlowSettings(name="Desk"), effect)
    assert service.create_flow(ada, FlowSettings(name="Desk"), effect) == made
    runs: list[tuple[str, Callable[[IdempotencyKey], Flow]]] = [
        ("u", lambda once: changes.update_flow(ada, made.id, {"name": "Office"}, 1, once)),
        ("r", lambda once: changes.rollback_flow(ada, made.id, 1, None, once)),
        ("c", lambda once: changes.save_config(ada, made.id, FlowSource('{"name": "C"}', "json"), None, 3, once)),
        ("d", lambda once: changes.duplicate_flow(ada, made.id, once)),
    ]
    for key, change in runs:
        once = IdempotencyKey(scope="ada", key=key, fingerprint="f")
        assert change(once) == change(once)
    assert service.get_flow(acme.org_id, made.id).version == 4
    assert len(service.list_flows(acme.org_id, 10, None)[0]) == 2
    once = IdempotencyKey(scope="ada", key="x", fingerprint="f")
    changes.delete_flow(ada, made.id, once)
    changes.delete_flow(ada, made.id, once)
    with pytest.raises(NotFound):
        changes.delete_flow(ada, made.id)


def test_a_rollback_is_a_new_version_with_its_note(acme: Tenant, ada: Origin) -> None:
    flow = make_flow(ada, greeting="One.")
    changes.update_flow(ada, flow.id, {"greeting": "Two.", "voicemail_enabled": False})
    back = changes.rollback_flow(ada, flow.id, 1, "One was better.")
    assert (back.version, back.greeting, back.voicemail_enabled) == (3, "One.", True)
    assert versions.list_flow_versions(acme.org_id, flow.id, 1, None)[0][0].note == "One was better."
    assert changes.rollback_flow(ada, flow.id, 2).greeting == "Two."
    assert versions.list_flow_versions(acme.org_id, flow.id, 1, None)[0][0].note == "Rollback to version 2"
    other = make_flow(ada)
    changes.update_flow(ada, other.id, {"name": "Other"})
    for version in (0, 9, 10**12):
        with pytest.raises(NotFound):
            changes.rollback_flow(ada, other.id, version)
    assert events_of(acme.org_id, flow.id)[2] == ("flow.rolled_back", {"to_version": 1})


def test_a_rollback_to_a_deleted_flow_of_its_map_is_refused(ada: Origin) -> None:
    target = make_flow(ada)
    flow = make_flow(ada, flow_transfer_map={"sales": target.id})
    changes.update_flow(ada, flow.id, {"flow_transfer_map_json": "{}"})
    changes.delete_flow(ada, target.id)
    with pytest.raises(Invalid) as refused:
        changes.rollback_flow(ada, flow.id, 1)
    assert target.id in refused.value.details["fields"]["flow_transfer_map_json"]


def test_a_copy_has_a_name_of_its_own_and_no_numbers(acme: Tenant, ada: Origin) -> None:
    flow = make_flow(ada, name="x" * 200, greeting="Hello.", provider_agent_id="agent_1", kind="outbound")
    copy = changes.duplicate_flow(ada, flow.id)
    assert copy.name == ("Copy of " + "x" * 200)[:200]
    assert (copy.greeting, copy.version, copy.provider_agent_id) == ("Hello.", 1, None)
    assert service.get_outbound_flow(acme.org_id, "agent_1").id == flow.id
    assert events_of(acme.org_id, copy.id) == [("flow.duplicated", {"kind": "outbound", "source": flow.id})]


def test_a_flow_in_use_cannot_be_deleted(acme: Tenant, ada: Origin) -> None:
    flow = make_flow(ada)
    sender = make_flow(ada, name="Sender", flow_transfer_map={"desk": flow.id.upper()})
    number = make_number(ada)
    assignments.update_number(ada, number.id, {"flow_id": flow.id})
    with pytest.raises(Invalid) as refused:
        changes.delete_flow(ada, flow.id)
    assert refused.value.code == "flow_in_use"
    assert refused.value.details == {
        "numbers": [{"id": number.id, "e164": number.e164}],
        "flows": [{"id": sender.id, "name": "Sender"}],
    }
    assignments.update_number(ada, number.id, {"flow_id": None})
    changes.update_flow(ada, sender.id, {"flow_transfer_map_json": "{}"})
    changes.delete_flow(ada, flow.id)
    with pytest.raises(NotFound):
        service.get_flow(acme.org_id, flow.id)
    assert [kind for kind, _ in events_of(acme.org_id, flow.id)] == ["flow.created", "flow.deleted"]


def test_a_deleted_sender_no_longer_uses_its_target(ada: Origin) -> None:
    flow = make_flow(ada)
    sender = make_flow(ada, flow_transfer_map={"desk": flow.id})
    changes.delete_flow(ada, sender.id)
    changes.delete_flow(ada, flow.id)


@pytest.mark.parametrize(
    "act",
    [changes.delete_flow, lambda origin, flow_id: changes.update_flow(origin, flow_id, {"kind": "outbound"})],
    ids=["delete", "kind"],
)
def test_a_number_that_is_assigned_meanwhile_is_seen(
    ada: Origin, monkeypatch: pytest.MonkeyPatch, act: Callable[[Origin, str], object]
) -> None:
    flow, number = make_flow(ada), make_number(ada)
    count = store.count_assignments
    counted: list[int] = []

    def assign_after_count(org_id: str, flow_id: str) -> int:
        found = count(org_id, flow_id)
        if not counted:
            # The reader of the users is late: it sees the state before the assignment.
            counted.append(found)
            list_before = numbers.list_numbers_of_flow
            monkeypatch.setattr(numbers, "list_numbers_of_flow", lambda *_: [])
            assignments.update_number(ada, number.id, {"flow_id": flow.id})
            resume.append(list_before)
        else:
            monkeypatch.setattr(numbers, "list_numbers_of_flow", resume[0])
        return found

    resume: list[Any] = []
    monkeypatch.setattr(store, "count_assignments", assign_after_count)
    with pytest.raises(Invalid) as refused:
        act(ada, flow.id)
    assert refused.value.code == "flow_in_use"


def test_an_outbound_flow_answers_no_calls(acme: Tenant, ada: Origin) -> None:
    caller, number = make_flow(ada, kind="outbound"), make_number(ada)
    with pytest.raises(Invalid) as refused:
        assignments.update_number(ada, number.id, {"flow_id": caller.id})
    assert refused.value.code == "flow_kind"
    assert assignments.update_number(ada, number.id, {"sms_flow_id": caller.id}).sms_flow_id == caller.id
    changes.update_flow(ada, caller.id, {"kind": "inbound"})
    assignments.update_number(ada, number.id, {"flow_id": caller.id})
    with pytest.raises(Invalid, match="must stay inbound"):
        changes.update_flow(ada, caller.id, {"kind": "outbound"})
    with pytest.raises(Invalid) as refused:
        assignments.update_number(ada, number.id, {"flow_id": make_flow(member(tenant("other").org_id)).id})
    assert refused.value.code == "unknown_flow"


def test_a_flow_transfers_only_to_other_flows_of_its_organization(ada: Origin) -> None:
    flow, foreign = make_flow(ada), make_flow(member(tenant("other").org_id))
    for target in (flow.id, foreign.id, ids.new_uuid()):
        with pytest.raises(Invalid) as refused:
            changes.update_flow(ada, flow.id, {"flow_transfer_map_json": json.dumps({"a": target})})
        assert list(refused.value.details["fields"]) == ["flow_transfer_map_json"]


def test_a_flow_calls_from_its_own_number(acme: Tenant, ada: Origin) -> None:
    number = make_number(ada)
    flow = make_flow(ada, kind="outbound", caller_id_number_id=number.id)
    assert service.find_caller_id(flow) == number.e164
    assert service.find_caller_id(flow.model_copy(update={"caller_id_number_id": "num_gone"})) is None
    foreign = member(tenant("other").org_id)
    with pytest.raises(Invalid) as refused:
        make_flow(foreign, caller_id_number_id=number.id)
    assert list(refused.value.details["fields"]) == ["caller_id_number_id"]


def test_another_organization_sees_nothing(ada: Origin) -> None:
    flow, foreign = make_flow(ada), member(tenant("other").org_id)
    for act in (
        lambda: changes.update_flow(foreign, flow.id, {"name": "Mine"}),
        lambda: changes.save_config(foreign, flow.id, FlowSource('{"name": "Mine"}', "json")),
        lambda: changes.rollback_flow(foreign, flow.id, 1),
        lambda: changes.duplicate_flow(foreign, flow.id),
        lambda: changes.delete_flow(foreign, flow.id),
        lambda: versions.get_config(foreign.org_id, flow.id),
        lambda: versions.list_flow_versions(foreign.org_id, flow.id, 10, None),
        lambda: service.get_flow_version(foreign.org_id, flow.id, 1),
    ):
        with pytest.raises(NotFound):
            act()


def test_a_page_of_long_flows_is_short_and_complete(ada: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [make_flow(ada, name=f"Flow {at}").id for at in range(5)]
    monkeypatch.setattr(store, "_MAX_PAGE_CHARACTERS", 2_000)
    found: list[str] = []
    page, cursor = service.list_flows(ada.org_id, 10, None)
    assert 0 < len(page) < 5
    while True:
        found += [flow.id for flow in page]
        if cursor is None:
            break
        page, cursor = service.list_flows(ada.org_id, 10, cursor)
    assert found == sorted(made, reverse=True)


def test_the_first_version_of_an_early_flow_is_the_flow_itself(ada: Origin) -> None:
    flow = make_early_flow(ada, greeting="Hello.")
    assert service.get_flow_version(ada.org_id, flow.id, 1) == flow
    (entry,), after = versions.list_flow_versions(ada.org_id, flow.id, 10, None)
    assert (entry.version, entry.created_at, after) == (1, flow.created_at, None)
    assert json.loads(versions.get_version_config(ada.org_id, flow.id, "1", "json").source.text)["greeting"] == "Hello."
    for version in (0, 2):
        with pytest.raises(NotFound):
            service.get_flow_version(ada.org_id, flow.id, version)
    with pytest.raises(NotFound):
        service.get_flow_version(tenant("other").org_id, flow.id, 1)


def test_a_change_of_an_early_flow_keeps_its_first_version(ada: Origin) -> None:
    flow = make_early_flow(ada, greeting="Hello.")
    changes.update_flow(ada, flow.id, {"greeting": "Hi."})
    changes.update_flow(ada, flow.id, {"greeting": "Yes?"})
    assert service.get_flow_version(ada.org_id, flow.id, 1) == flow
    listed, _ = versions.list_flow_versions(ada.org_id, flow.id, 10, None)
    assert [entry.version for entry in listed] == [3, 2, 1]
    assert changes.rollback_flow(ada, flow.id, 1).greeting == "Hello."


def test_a_deleted_early_flow_keeps_its_version_for_calls_in_progress(ada: Origin) -> None:
    flow = make_early_flow(ada)
    changes.delete_flow(ada, flow.id)
    assert service.get_flow_version(ada.org_id, flow.id, 1) == flow
