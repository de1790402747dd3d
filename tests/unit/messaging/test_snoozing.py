"""Snoozed conversations open again at their moment."""

from __future__ import annotations

from itertools import count

import pytest

from switchboard.kit import clock
from switchboard.messaging import snoozing
from switchboard.messaging.jobs import WakeConversation
from switchboard.messaging.models import TextConversation
from switchboard.team.models import Member
from switchboard.timers import store as timers
from tests.actors import Tenant
from tests.integration.sabotage import Sabotage
from tests.unit.messaging.console_texts import Ask, ask_as, find_conversation, save_conversation
from tests.unit.messaging.desk import CONTACT

UNTIL = "2026-01-15T23:30:15.000Z"


@pytest.fixture
def ask(ada: Member) -> Ask:
    return ask_as(ada)


def _snooze(ask: Ask, talk: TextConversation, until: str = UNTIL) -> TextConversation:
    assert ask("PATCH", f"/sms/conversations/{talk.id}", {"status": "snoozed", "snoozed_until": until})[0] == 200
    return find_conversation(talk)


def _wake(talk: TextConversation, until: str = UNTIL) -> TextConversation:
    job = WakeConversation(org_id=talk.org_id, conversation_id=talk.id, snoozed_until=until)
    snoozing.wake_conversation(job)
    return find_conversation(talk)


def _list_timers(until: str = UNTIL) -> list[str]:
    return [
        str(item["body"]["snoozed_until"])
        for shard in range(64)
        for items in timers.timers_of_minute(until[:16], shard)
        for item in items
    ]


def test_a_snooze_has_a_timer_that_opens_the_conversation(acme: Tenant, ask: Ask, frozen: clock.FrozenClock) -> None:
    talk = _snooze(ask, save_conversation(acme.org_id, CONTACT))
    assert (talk.status, talk.snoozed_until, _list_timers()) == ("snoozed", UNTIL, [UNTIL])
    frozen.advance(hours=7)
    awake = _wake(talk)
    assert (awake.status, awake.snoozed_until, awake.snooze_timer) == ("open", None, None)
    # The job may come twice.
    assert _wake(talk) == awake
    entry = ask("GET", f"/sms/conversations/{talk.id}/activity")[1]["activity"][0]
    assert (entry["actor"], entry["before"], entry["after"]) == ({"id": "snooze", "name": None}, "snoozed", "open")


def test_the_end_of_a_snooze_changes(acme: Tenant, ask: Ask) -> None:
    talk, later = _snooze(ask, save_conversation(acme.org_id, CONTACT)), "2026-01-16T08:00:00.000Z"
    status, found = ask("PATCH", f"/sms/conversations/{talk.id}", {"snoozed_until": later})
    assert (status, found["status"], found["snoozed_until"]) == (200, "snoozed", later)
    assert (_list_timers(), _list_timers(later)) == ([], [later])
    assert _wake(find_conversation(talk)).status == "snoozed"


@pytest.mark.parametrize("below", ["close", "reopen"])
def test_an_end_of_the_snooze_deletes_its_timer(acme: Tenant, ask: Ask, below: str) -> None:
    talk = _snooze(ask, save_conversation(acme.org_id, CONTACT))
    ask("POST", f"/sms/conversations/{talk.id}/{below}")
    after = find_conversation(talk)
    assert (after.snoozed_until, after.snooze_timer, _list_timers()) == (None, None, [])
    assert _wake(talk) == after


def test_a_moved_snooze_wakes_at_its_new_moment_only(acme: Tenant, ask: Ask) -> None:
    later = "2026-01-17T09:30:15.000Z"
    talk = _snooze(ask, _snooze(ask, save_conversation(acme.org_id, CONTACT)), later)
    assert (_list_timers(), _list_timers(later)) == ([], [later])
    assert _wake(talk).status == "snoozed"
    assert _wake(talk, later).status == "open"


def test_a_snooze_keeps_its_moment_until_its_status_changes(acme: Tenant, ask: Ask) -> None:
    talk = _snooze(ask, save_conversation(acme.org_id, CONTACT))
    status, refusal = ask("PATCH", f"/sms/conversations/{talk.id}", {"snoozed_until": None})
    assert (status, refusal["code"]) == (400, "invalid_snooze")
    assert _snooze(ask, talk) == talk


def test_a_short_snooze_waits_in_the_outbox(acme: Tenant, ask: Ask) -> None:
    talk = _snooze(ask, save_conversation(acme.org_id, CONTACT), "2026-01-15T17:05:00Z")
    assert talk.snooze_timer is None
    assert _wake(talk, "2026-01-15T17:05:00.000Z").status == "open"


def test_a_killed_worker_wakes_the_conversation_again(acme: Tenant, ask: Ask) -> None:
    saboteur = Sabotage()
    for after in count():
        talk = _snooze(ask, save_conversation(acme.org_id, f"+1415555{after:04}"))
        with saboteur.killing(after):
            _wake(talk)
            break
        assert _wake(talk).status == "open"
    assert after > 1
    entries = ask("GET", f"/sms/conversations/{talk.id}/activity")[1]["activity"]
    assert [entry["after"] for entry in entries] == ["open", "snoozed"]
