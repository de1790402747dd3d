"""The deletion of an organization with an item of every kind: what goes, what stays, and what belongs to others."""

from __future__ import annotations

from typing import Any

import pytest

from infra import topology
from switchboard.accounts import organizations
from switchboard.aws import queues
from switchboard.kit import clock
from switchboard.offboarding import kept, service, sweeping
from switchboard.persistence.retention import RetentionEnd
from switchboard.persistence.retention_rows import KINDS, kinds_of
from switchboard.webhooks import delivery_worker
from tests.actors import system
from tests.fakes.receiver import Receiver
from tests.integration import sabotage
from tests.integration.sabotage import Later
from tests.integration.test_retention import UNMET, use_every_feature
from tests.unit.offboarding.running import finish_deletion, list_items, list_objects, list_of_organization

#: The tables whose items end by themselves within days.
_SHORT = {table.name for table in topology.TABLES} - {*sweeping.TABLES}
#: The kinds that name an organization, and do not belong to it.
_OF_OTHERS = {
    # A person signs in again with another organization.
    "person",
    # An operator fires or drops it, and its job then finds nothing.
    "dead timer",
}
#: The kinds that no organization has: they have its id neither in their key nor as `org_id`.
_SHARED = {
    *_OF_OTHERS,
    *("look-up of a person", "number of a person's places", "invite mails of a mailbox on a day"),
    *("operators' rows of law of a place", "place that has such rows", "log entry of such a row"),
    *("answer of the Reassigned Numbers Database", "pace of a number shared by tenants"),
    *("pace of an account shared by tenants", "mailbox that gets no mail of the platform's own"),
    *("bounce of the platform's own mail", "last minute whose timers were sent"),
}


@pytest.fixture
def world(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Organizations that use every feature, by their slug."""
    receiver, held = Receiver(), Later(queues.try_send_messages)
    monkeypatch.setattr(delivery_worker, "client", lambda: receiver)
    monkeypatch.setattr(queues, "try_send_messages", held)
    use_every_feature(held)
    found, _ = organizations.list_organizations(100)
    return {org.slug: org.id for org in found}


@pytest.fixture
def invoked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The functions that run, with their events. Use it before `world`."""
    found: list[tuple[str, dict[str, Any]]] = []
    run = sabotage.invoke

    def note(name: str, event: dict[str, Any], *more: Any) -> Any:
        if "Records" in event and name.startswith("workers/") and name not in ("workers/fanout", "workers/timers"):
            found.append((name, event))
        return run(name, event, *more)

    monkeypatch.setattr(sabotage, "invoke", note)
    return found


def delete(org_id: str, frozen: clock.FrozenClock) -> None:
    service.begin_deletion(system(org_id))
    finish_deletion(org_id, frozen)


def of_others(org_ids: set[str]) -> dict[tuple[str, str], dict[str, Any]]:
    """All items but those that name one of the organizations."""
    named = {place for org_id in org_ids for place in list_of_organization(org_id)}
    return {place: item for place, item in list_items().items() if place not in named}


def test_every_kind_of_item_goes_or_is_listed_as_kept(world: dict[str, str], frozen: clock.FrozenClock) -> None:
    """A new kind is deleted if its key begins with the organization, or if it has its `org_id`."""
    there = {kind.what for place in list_items() for kind in kinds_of(*place)}
    assert {kind.what for kind in KINDS} - there == UNMET - _SHARED
    for org_id in world.values():
        delete(org_id, frozen)
    kept_kinds = {name for thing in kept.KEPT for name in thing.kinds}
    assert kept_kinds <= {kind.what for kind in KINDS}, "kept.KEPT names a kind that retention_rows.KINDS lacks"
    assert sweeping.TABLES == ("core", "activity"), "the tables below end by themselves within days"
    for (table, key), item in list_items().items():
        (kind,) = kinds_of(table, key)
        if item.get("queue") == "offboarding":
            continue  # the deletion's own jobs, which the tick and TTL take away
        assert table in _SHORT or kind.what in kept_kinds | _SHARED, (
            f"{kind.what} ({key}) stays after its organization: give it the organization's id in its partition or as"
            " `org_id`, or list it in switchboard/offboarding/kept.py with a reason"
        )
        if kind.what in kept_kinds and kind.what != "look-up of an inbox":
            assert "expires" in item, f"{kind.what} stays for ever"
    assert {bucket for bucket, _ in list_objects()} <= {"inbound-mail"}


def test_each_kept_kind_stays_as_long_as_the_list_says(world: dict[str, str], frozen: clock.FrozenClock) -> None:
    begun = clock.now()
    delete(world["acme"], frozen)
    lives = {name: thing.life for thing in kept.KEPT for name in thing.kinds if thing.life}
    found: set[str] = set()
    for place, item in list_of_organization(world["acme"]).items():
        (kind,) = kinds_of(*place)
        if kind.what in lives and kind.ender is not RetentionEnd.TTL:
            found.add(kind.what)
            assert item["expires"] == int((begun + lives[kind.what]).timestamp()), kind.what
    assert {"event", "opt-out", "consent", "use in a month", "organization", "telephone number"} <= found


@pytest.mark.parametrize("leaving", ["acme", "the others"])
def test_the_items_of_others_stay_byte_by_byte(world: dict[str, str], frozen: clock.FrozenClock, leaving: str) -> None:
    gone = {org_id for slug, org_id in world.items() if (slug == "acme") is (leaving == "acme")}
    before, objects = of_others(gone), list_objects()
    # One of everything is compared if the others leave.
    assert len(before) > (20 if leaving == "acme" else 120)
    for org_id in gone:
        delete(org_id, frozen)
    after = of_others(gone)
    # A person has fewer places now.
    places = {place for place in before if kinds_of(*place)[0].what == "number of a person's places"}
    assert {place: after.get(place) for place in before if place not in places} == {
        place: item for place, item in before.items() if place not in places
    }
    kept_objects = {place: tag for place, tag in objects.items() if place[1].partition("/")[0] not in gone}
    assert list_objects() == kept_objects


def test_late_jobs_and_reports_fail_at_nothing_and_write_nothing(
    invoked: list[tuple[str, dict[str, Any]]], world: dict[str, str], frozen: clock.FrozenClock
) -> None:
    """Everything that the workers were ever asked to do comes once more, as from a dead-letter queue or a provider."""
    for org_id in world.values():
        delete(org_id, frozen)
    before, asked = list_items(), list(invoked)
    assert {name for name, _ in asked} > {"workers/voice_events", "workers/email_events"}
    wrote: dict[str, set[str]] = {}
    for name, event in asked:
        try:
            answer = sabotage.invoke(name, event)
        except Exception as error:
            raise AssertionError(f"{name}: {event}") from error
        assert not answer or answer == {"batchItemFailures": []}, (name, event)
        for place, item in list_items().items():
            if before.get(place) != item:
                told = event["Records"][0].get("body", "")[:60]
                wrote.setdefault(name, set()).add(f"{kinds_of(*place)[0].what}: {told}")
                before[place] = item
    assert not wrote


def test_the_buckets_that_are_swept_are_those_with_keys_of_organizations(world: dict[str, str]) -> None:
    assert {bucket.name for bucket in topology.BUCKETS} - {*sweeping.BUCKETS} == {"inbound-mail"}
    assert all(key.partition("/")[0] in world.values() for bucket, key in list_objects() if bucket != "inbound-mail")
