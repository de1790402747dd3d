"""Lists of voicemails: their pages, their filters and their requests."""

from __future__ import annotations

import random

import pytest

from switchboard.inbox import service as inbox
from switchboard.kit import clock
from switchboard.team.models import Member
from switchboard.voicemails import activity, deletion, service
from switchboard.voicemails.models import Voicemail
from switchboard.voicemails.service import VoicemailFilter
from tests.actors import Tenant
from tests.integration.sabotage import Sabotage
from tests.unit.voicemails.desk import erase_job, save_voicemail

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


def list_all(member: Member, which: VoicemailFilter | None = None, limit: int = 3) -> list[str]:
    """Returns the ids of all pages."""
    found: list[str] = []
    cursor = None
    while True:
        rows, cursor = service.list_voicemails(member, which, limit, cursor)
        assert len(rows) <= limit
        found += [row.voicemail.id for row in rows]
        if cursor is None:
            return found


@pytest.mark.parametrize("which", [None, *VoicemailFilter])
def test_pages_stay_whole_while_voicemails_arrive_and_go(
    acme: Tenant, ada: Member, frozen: clock.FrozenClock, which: VoicemailFilter | None
) -> None:
    made = []
    for number in range(12):
        frozen.advance(seconds=1)
        made.append(save_voicemail(acme.org_id, f"+1415555{number:04}"))
        if which is VoicemailFilter.HEARD:
            activity.update_voicemail(ada, made[-1].id, is_heard=True, is_read=None)
    found: list[str] = []
    cursor = None
    for number in range(10):
        rows, cursor = service.list_voicemails(ada, which, 3, cursor)
        found += [row.voicemail.id for row in rows]
        frozen.advance(seconds=1)
        save_voicemail(acme.org_id)
        if number == 1:
            # One that was shown, and one that was not.
            for gone in (made[11], made[2]):
                deletion.delete_voicemail(ada, gone.id)
                deletion.erase_voicemail(erase_job(gone))
        if cursor is None:
            break
    assert found == [one.id for one in made[::-1] if one is not made[2]]


def test_a_list_takes_few_requests_at_any_length(acme: Tenant, ada: Member) -> None:
    saboteur = Sabotage()
    for number in range(120):
        save_voicemail(acme.org_id, f"+1415555{number:04}")
    for which in (None, VoicemailFilter.UNHEARD, VoicemailFilter.UNREAD):
        with saboteur.counting() as calls:
            rows, _ = service.list_voicemails(ada, which, 100, None)
        assert len(rows) == 100
        assert len(calls) <= 6, which
    with saboteur.counting() as calls:
        service.get_voicemail(ada, rows[0].voicemail.id)
    assert len(calls) <= 3


def test_a_page_has_each_callers_own_contact_and_state(acme: Tenant, ada: Member, bob: Member) -> None:
    read, unread = save_voicemail(acme.org_id, "anonymous"), save_voicemail(acme.org_id, "+14155550199")
    activity.record_view(ada, read.id)
    for who, states in ((ada, {read.id: True, unread.id: False}), (bob, {read.id: False, unread.id: False})):
        rows, _ = service.list_voicemails(who, None, 50, None)
        assert {row.voicemail.id: row.is_read for row in rows} == states
        assert [row.contact for row in rows] == [None, None]


@pytest.mark.parametrize("seed", range(8))
def test_states_agree_with_a_model_under_two_members(
    acme: Tenant, ada: Member, bob: Member, frozen: clock.FrozenClock, seed: int
) -> None:
    chance, alive = random.Random(seed), dict[str, Voicemail]()
    heard: set[str] = set()
    unread: dict[str, set[str]] = {ada.user_id: set(), bob.user_id: set()}
    for _ in range(60):
        frozen.advance(seconds=chance.choice((0.01, 1, 400)))
        who = chance.choice((ada, bob))
        act = chance.choice(("arrive", "read", "unread", "view", "heard", "unheard", "all", "delete"))
        if act == "arrive" or not alive:
            made = save_voicemail(acme.org_id, f"+1415555{chance.randrange(10_000):04}")
            alive[made.id] = made
            for known in unread.values():
                known.add(made.id)
            continue
        one = chance.choice(list(alive))
        if act == "all" and chance.random() < 0.4:
            assert inbox.mark_all_read(acme.org_id, "voicemails", who.user_id) == len(unread[who.user_id])
            unread[who.user_id].clear()
        elif act == "delete" and chance.random() < 0.5:
            deletion.delete_voicemail(ada, one)
            deletion.erase_voicemail(erase_job(alive.pop(one)))
            heard.discard(one)
            for known in unread.values():
                known.discard(one)
        elif act in ("read", "view"):
            if act == "view":
                activity.record_view(who, one)
            else:
                activity.update_voicemail(who, one, is_heard=None, is_read=True)
            unread[who.user_id].discard(one)
        elif act == "unread":
            activity.update_voicemail(who, one, is_heard=None, is_read=False)
            unread[who.user_id].add(one)
        elif act in ("heard", "unheard"):
            activity.update_voicemail(ada, one, is_heard=act == "heard", is_read=None)
            heard = heard | {one} if act == "heard" else heard - {one}
    for who in (ada, bob):
        known = unread[who.user_id]
        assert inbox.count_unread(acme.org_id, who.user_id, ["voicemails"]) == {"voicemails": len(known)}
        assert set(list_all(who, VoicemailFilter.UNREAD)) == known
        assert set(list_all(who, VoicemailFilter.HEARD)) == heard
        assert set(list_all(who, VoicemailFilter.UNHEARD)) == alive.keys() - heard
        assert list_all(who) == sorted(alive, key=lambda id_: alive[id_].created_at + id_, reverse=True)
