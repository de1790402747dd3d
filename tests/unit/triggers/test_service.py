"""Triggers: created, changed, deleted, and their tokens rotated."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchboard.errors import NotFound, QuotaExceeded
from switchboard.kit import clock
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.projections import service as projections
from switchboard.team.models import Member
from switchboard.triggers import firing, service
from tests.actors import Tenant
from tests.integration.sabotage import scan_items
from tests.unit.triggers.desk import fire, list_events, make_trigger, project_events


def with_key(member: Member, key: str) -> Member:
    return replace(member, effect=IdempotencyKey(scope=member.user_id, key=key, fingerprint="f"))


def list_keys() -> list[object]:
    return [(item["pk"], item["sk"]) for item in scan_items("core")]


def is_known(token: str) -> bool:
    try:
        firing.find_trigger(token)
    except NotFound:
        return False
    return True


def test_the_table_has_no_token(ada: Member) -> None:
    made = make_trigger(ada)
    assert made.token not in str(scan_items("core"))
    assert firing.find_trigger(made.token) == made.trigger


def test_a_repeated_request_gets_the_same_token(ada: Member) -> None:
    first, second = (make_trigger(with_key(ada, "k1")) for _ in range(2))
    assert first == second
    rotated, again = (service.rotate_trigger_token(with_key(ada, "k2"), first.trigger.id) for _ in range(2))
    assert rotated.token == again.token != first.token
    assert len(list_events(ada.org_id, "trigger.token_rotated")) == 1


def test_a_rotated_token_works_for_one_more_hour(ada: Member, frozen: clock.FrozenClock) -> None:
    made = make_trigger(ada)
    rotated = service.rotate_trigger_token(ada, made.trigger.id)
    assert is_known(made.token)
    assert is_known(rotated.token)
    frozen.advance(minutes=59, seconds=59)
    assert is_known(made.token)
    frozen.advance(seconds=1)
    assert not is_known(made.token)
    assert is_known(rotated.token)


def test_only_the_latest_rotated_tokens_are_kept(ada: Member) -> None:
    made = make_trigger(ada)
    tokens = [made.token]
    for _ in range(service.MAX_RETIRING_TOKENS + 1):
        tokens.append(service.rotate_trigger_token(ada, made.trigger.id).token)
    assert [is_known(token) for token in tokens] == [False] + [True] * (service.MAX_RETIRING_TOKENS + 1)


def test_a_paused_trigger_refuses_events_until_it_is_resumed(ada: Member) -> None:
    made = make_trigger(ada)
    assert not service.update_trigger(ada, made.trigger.id, active=False).trigger.active
    assert not is_known(made.token)
    service.update_trigger(ada, made.trigger.id, active=True, name="Other leads")
    assert is_known(made.token)
    assert firing.find_trigger(made.token).name == "Other leads"


def test_a_change_that_changes_nothing_has_no_event(ada: Member) -> None:
    made = make_trigger(ada)
    service.update_trigger(ada, made.trigger.id, name=made.trigger.name, active=True)
    assert list_events(ada.org_id, "trigger.updated") == []


def test_a_deleted_trigger_leaves_nothing_behind(ada: Member) -> None:
    before = list_keys()
    made = make_trigger(ada)
    service.rotate_trigger_token(ada, made.trigger.id)
    service.delete_trigger(ada, made.trigger.id)
    assert list_keys() == before
    assert not is_known(made.token)
    with pytest.raises(NotFound):
        service.delete_trigger(ada, made.trigger.id)


def test_a_deletion_that_is_repeated_succeeds(ada: Member) -> None:
    made = make_trigger(ada)
    for _ in range(2):
        service.delete_trigger(ada, made.trigger.id, with_key(ada, "k").effect)
    assert len(list_events(ada.org_id, "trigger.deleted")) == 1


def test_an_organization_has_a_limited_number_of_triggers(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_TRIGGERS", 2)
    first, _ = make_trigger(ada), make_trigger(ada)
    with pytest.raises(QuotaExceeded) as refusal:
        make_trigger(ada)
    assert refusal.value.code == "trigger_limit"
    service.delete_trigger(ada, first.trigger.id)
    make_trigger(ada)


def test_events_have_the_name_and_no_token(ada: Member) -> None:
    made = make_trigger(ada, "GitHub push")
    (created,) = list_events(ada.org_id, "trigger.created")
    assert created.data == {"event": "external.github.push", "active": True}
    assert created.subject.id == made.trigger.id


def test_a_tally_counts_each_firing_once(acme: Tenant, ada: Member, frozen: clock.FrozenClock) -> None:
    made = make_trigger(ada)
    fire(made)
    frozen.advance(seconds=60)
    last = fire(made)
    for _ in range(2):
        project_events(acme.org_id)
    ((_, tally),), _ = service.list_triggers(acme.org_id, 10, None)
    assert (tally.fires, tally.last_fired_at) == (2, last.created_at)
    # The trigger itself is not written by a firing.
    assert service.get_trigger(acme.org_id, made.trigger.id).trigger == made.trigger


def test_a_tally_can_be_made_again(acme: Tenant, ada: Member) -> None:
    fire(make_trigger(ada))
    project_events(acme.org_id)
    assert projections.clear_projection(acme.org_id, "trigger_tallies") == 1
    project_events(acme.org_id)
    ((_, tally),), _ = service.list_triggers(acme.org_id, 10, None)
    assert tally.fires == 1
