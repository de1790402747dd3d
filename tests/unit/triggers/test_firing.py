"""Firings: recorded once, with an event that has no body."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from switchboard.accounts import organizations
from switchboard.aws import reads
from switchboard.errors import NotFound
from switchboard.kit import clock
from switchboard.team.models import Member
from switchboard.triggers import firing, service, tokens
from switchboard.triggers.firing import FiredEvent
from tests.actors import Tenant, member, system, tenant
from tests.integration.sabotage import scan_items
from tests.tables import each
from tests.unit.triggers.desk import fire, list_events, make_trigger


def test_a_firing_has_its_body_and_an_event_has_its_digest(ada: Member) -> None:
    made = make_trigger(ada, "Lead created")
    fired = fire(made, {"name": "Ada Lovelace"}, "d-1")
    found = firing.get_firing(ada.org_id, made.trigger.id, fired.id)
    assert found.body == {"name": "Ada Lovelace"}
    assert found.firing == fired
    (event,) = list_events(ada.org_id, "trigger.fired")
    assert event.data == {
        "event": "external.lead.created",
        "firing": fired.id,
        "size": fired.size,
        "digest": fired.digest,
        "delivery": "d-1",
    }
    assert (event.actor.type, event.actor.id) == ("trigger", made.trigger.id)
    assert "Ada" not in str(event)


def test_an_event_that_is_sent_again_within_a_day_is_recorded_once(ada: Member, frozen: clock.FrozenClock) -> None:
    made = make_trigger(ada)
    trigger = made.trigger
    assert firing.fire_trigger(trigger, FiredEvent("{}", "d-1", "x-github-delivery"))
    assert firing.fire_trigger(trigger, FiredEvent('{"other": 1}', "d-1", "x-github-delivery")) is None
    # Another header, another trigger, and the next day are other events.
    assert firing.fire_trigger(trigger, FiredEvent("{}", "d-1", "webhook-id"))
    assert firing.fire_trigger(make_trigger(ada).trigger, FiredEvent("{}", "d-1", "x-github-delivery"))
    frozen.advance(hours=24, seconds=1)
    assert firing.fire_trigger(trigger, FiredEvent("{}", "d-1", "x-github-delivery"))
    assert len(firing.list_firings(ada.org_id, trigger.id, 10, None)[0]) == 3


def test_events_without_an_id_are_all_recorded(ada: Member) -> None:
    made = make_trigger(ada)
    first, second = fire(made), fire(made)
    found, _ = firing.list_firings(ada.org_id, made.trigger.id, 10, None)
    assert [one.id for one in found] == [second.id, first.id]


def test_firings_are_listed_in_pages(ada: Member) -> None:
    made = make_trigger(ada)
    fired = [fire(made).id for _ in range(3)]
    page, cursor = firing.list_firings(ada.org_id, made.trigger.id, 2, None)
    rest, end = firing.list_firings(ada.org_id, made.trigger.id, 2, cursor)
    assert [one.id for one in (*page, *rest)] == fired[::-1]
    assert end is None


def test_another_organization_sees_no_firing(ada: Member) -> None:
    made = make_trigger(ada)
    fired = fire(made)
    other = member(tenant("other").org_id, name="Bob")
    for ask in (
        lambda: firing.list_firings(other.org_id, made.trigger.id, 10, None),
        lambda: firing.get_firing(other.org_id, made.trigger.id, fired.id),
        lambda: service.get_trigger(other.org_id, made.trigger.id),
    ):
        with pytest.raises(NotFound):
            ask()


def test_a_firing_expires_after_30_days(ada: Member, frozen: clock.FrozenClock) -> None:
    fire(make_trigger(ada))
    ends = {item["expires"]["N"] for item in scan_items("activity") if "#firing" in item["pk"]["S"]}
    assert ends == {str(int((clock.now() + timedelta(days=30)).timestamp()))}


def test_every_refusal_reads_the_same(acme: Tenant, ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown, paused, deleted, rotated away, and of a suspended organization."""
    paused, deleted, rotated = make_trigger(ada, active=False), make_trigger(ada), make_trigger(ada)
    service.delete_trigger(ada, deleted.trigger.id)
    for _ in range(service.MAX_RETIRING_TOKENS + 1):
        service.rotate_trigger_token(ada, rotated.trigger.id)
    suspended = tenant("suspended")
    stopped = make_trigger(member(suspended.org_id, name="Eve"))
    organizations.set_status(system(suspended.org_id), "suspended")

    made: list[tuple[str, int]] = []

    def counting(name: str) -> None:
        original = getattr(reads, name)

        def ask(*parameters: object, **named: object) -> object:
            made.append((name, len(parameters[0]) if name == "get_items_of_tables" else 1))  # type: ignore[arg-type]
            return original(*parameters, **named)

        monkeypatch.setattr(reads, name, ask)

    counting("get_item")
    counting("get_items_of_tables")
    seen, texts = set(), set()
    for token in (tokens.mint_token().text, paused.token, deleted.token, rotated.token, stopped.token):
        made.clear()
        with pytest.raises(NotFound) as refusal:
            firing.find_trigger(token)
        seen.add(tuple(made))
        texts.add((refusal.value.message, refusal.value.code))
    assert seen == {(("get_item", 1), ("get_items_of_tables", 2))}
    made.clear()
    # A text that can be no token says nothing about any trigger, so it is refused without a read.
    with pytest.raises(NotFound) as refusal:
        firing.find_trigger("hit_unknown")
    assert (made, texts) == ([], {(refusal.value.message, refusal.value.code)})


@each("body", ["short", "é" * 300, "a" * 799, "a" * 800, "a" * 100_000, ["\U0001f600" * 9_000]])
def test_a_body_returns_as_it_was_sent(ada: Member, body: Any) -> None:
    made = make_trigger(ada)
    fired = fire(made, body)
    assert firing.get_firing(ada.org_id, made.trigger.id, fired.id).body == body


def test_a_large_body_is_stored_compressed(ada: Member) -> None:
    fire(make_trigger(ada), "a" * 200_000)
    (kept,) = [item for item in scan_items("activity") if "#firing-bodies#" in item["pk"]["S"]]
    assert len(kept["body"]["B"]) < 1_000
