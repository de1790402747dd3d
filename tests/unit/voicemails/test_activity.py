"""The activity of members on voicemails: recorded once, in the right order, and for the right people."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest

from switchboard.aws import reads
from switchboard.inbox import service as inbox
from switchboard.kit import clock
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from switchboard.voicemails import activity, service, store
from switchboard.voicemails.jobs import SummarizeVoicemail
from switchboard.voicemails.models import MAX_VIEWERS, ActionKind, VoicemailDigest
from tests.actors import Tenant, member
from tests.integration.sabotage import Sabotage
from tests.unit.voicemails.desk import find_voicemail, save_voicemail
from tests.unit.voicemails.test_creation import waiting_jobs

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


def timeline(member: Member, voicemail_id: str) -> list[str]:
    """Returns the kinds of a timeline's entries, the oldest first."""
    return [entry.kind.value for entry in service.get_voicemail(member, voicemail_id).timeline][::-1]


@pytest.mark.parametrize(("record", "kind"), [(activity.record_view, "view"), (activity.record_play, "play")])
def test_a_member_is_recorded_once_in_five_minutes(
    acme: Tenant,
    ada: Member,
    bob: Member,
    frozen: clock.FrozenClock,
    record: Callable[[Member, str], None],
    kind: str,
) -> None:
    voicemail = save_voicemail(acme.org_id)
    for seconds, entries in ((0, 1), (299, 1), (1, 2), (299, 2)):
        frozen.advance(seconds=seconds)
        record(ada, voicemail.id)
        assert timeline(ada, voicemail.id) == [kind] * entries
    record(bob, voicemail.id)
    assert timeline(ada, voicemail.id) == [kind] * 3


def test_parallel_views_of_a_member_are_one_entry(acme: Tenant, ada: Member, bob: Member) -> None:
    voicemail = save_voicemail(acme.org_id)
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda who: activity.record_view(who, voicemail.id), [ada, bob] * 5))
    assert timeline(ada, voicemail.id) == ["view", "view"]
    assert sorted(one.name for one in find_voicemail(voicemail).viewers) == ["Ada", "Bob"]


def test_a_view_that_another_request_records_meanwhile_is_one_entry(acme: Tenant, ada: Member) -> None:
    voicemail, saboteur = save_voicemail(acme.org_id), Sabotage()
    for record in (activity.record_view, activity.record_play):
        with saboteur.meeting(after=1, act=partial(record, ada, voicemail.id)):
            record(ada, voicemail.id)
    assert sorted(timeline(ada, voicemail.id)) == ["play", "view"]


def test_a_view_after_a_read_mark_was_taken_back_reads_again(acme: Tenant, ada: Member) -> None:
    voicemail = save_voicemail(acme.org_id)
    activity.record_view(ada, voicemail.id)
    activity.update_voicemail(ada, voicemail.id, is_heard=None, is_read=False)
    assert not service.get_voicemail(ada, voicemail.id).row.is_read
    activity.record_view(ada, voicemail.id)
    assert service.get_voicemail(ada, voicemail.id).row.is_read
    assert timeline(ada, voicemail.id) == ["view"]


def test_a_play_does_not_mark_as_read_or_heard(acme: Tenant, ada: Member) -> None:
    voicemail = save_voicemail(acme.org_id)
    activity.record_play(ada, voicemail.id)
    row = service.get_voicemail(ada, voicemail.id).row
    assert (row.is_read, row.voicemail.is_heard) == (False, False)


def test_the_latest_viewers_stand_first_and_each_once(acme: Tenant, frozen: clock.FrozenClock) -> None:
    voicemail = save_voicemail(acme.org_id)
    people = [member(acme.org_id, Role.VIEWER, f"Person{number}") for number in range(MAX_VIEWERS + 2)]
    for one in (*people, people[5]):
        frozen.advance(minutes=6)
        activity.record_view(one, voicemail.id)
    names = [viewer.name for viewer in find_voicemail(voicemail).viewers]
    assert names == ["Person5", *(f"Person{number}" for number in (11, 10, 9, 8, 7, 6, 4, 3, 2))]


@pytest.mark.parametrize(("mark", "already", "entries"), [
    (True, False, ["action", "heard"]),
    (True, True, ["heard", "action"]),
    (False, False, ["action"]),
    (False, True, ["heard", "action"]),
])  # fmt: skip
def test_an_action_marks_as_heard_if_wanted(
    acme: Tenant, ada: Member, frozen: clock.FrozenClock, mark: bool, already: bool, entries: list[str]
) -> None:
    voicemail = save_voicemail(acme.org_id)
    if already:
        activity.update_voicemail(ada, voicemail.id, is_heard=True, is_read=None)
    frozen.advance(seconds=1)
    activity.log_action(ada, voicemail.id, ActionKind.SENT_SMS, None, mark_heard=mark)
    assert timeline(ada, voicemail.id) == entries
    assert find_voicemail(voicemail).is_heard is (mark or already)


def test_the_same_state_twice_is_one_entry(acme: Tenant, ada: Member) -> None:
    voicemail = save_voicemail(acme.org_id)
    for heard in (False, True, True, False, False):
        activity.update_voicemail(ada, voicemail.id, is_heard=heard, is_read=None)
    assert sorted(timeline(ada, voicemail.id)) == ["heard", "unheard"]


def test_parallel_toggles_of_two_members_leave_one_entry_for_each_change(acme: Tenant, ada: Member) -> None:
    carl = member(acme.org_id, Role.ADMIN, "Carl")
    voicemail = save_voicemail(acme.org_id)
    with ThreadPoolExecutor(10) as pool:
        work = [(who, heard) for heard in (True, False, True, False, True) for who in (ada, carl)]
        list(
            pool.map(lambda one: activity.update_voicemail(one[0], voicemail.id, is_heard=one[1], is_read=one[1]), work)
        )
    found = timeline(ada, voicemail.id)
    assert abs(found.count("heard") - found.count("unheard")) <= 1
    assert find_voicemail(voicemail).is_heard == (found.count("heard") > found.count("unheard"))
    for who in (ada, carl):
        is_read = service.get_voicemail(who, voicemail.id).row.is_read
        counts = inbox.count_unread(acme.org_id, who.user_id, ["voicemails"])
        assert counts == {"voicemails": 0 if is_read else 1}


def test_an_unread_voicemail_that_is_not_counted_yet_can_be_read(acme: Tenant, ada: Member) -> None:
    voicemail = save_voicemail(acme.org_id, counted=False)
    activity.update_voicemail(ada, voicemail.id, is_heard=None, is_read=True)
    assert service.get_voicemail(ada, voicemail.id).row.is_read
    assert inbox.count_unread(acme.org_id, ada.user_id, ["voicemails"]) == {"voicemails": 0}


def test_a_summary_is_queued_once_until_it_was_tried(acme: Tenant, ada: Member, frozen: clock.FrozenClock) -> None:
    voicemail = save_voicemail(acme.org_id, text="Please call me back about the invoice.")

    def queued() -> int:
        return waiting_jobs().count(SummarizeVoicemail.__name__)

    for _ in range(3):
        service.request_summary(ada, voicemail.id)
    assert queued() == 1
    tried = VoicemailDigest(attempt_count=1, error="the model does not answer")
    store.VOICEMAILS.change_object(
        acme.org_id, voicemail.id, lambda one: (one.model_copy(update={"ai_summary": tried, "version": 3}), None)
    )
    service.request_summary(ada, voicemail.id)
    assert queued() == 2
    service.request_summary(ada, voicemail.id)
    assert queued() == 2
    frozen.advance(seconds=service.SUMMARY_WAIT / timedelta(seconds=1))
    service.request_summary(ada, voicemail.id)
    assert queued() == 3, "a lost job does not block the next request"


def test_the_last_view_is_kept_beside_the_voicemail(acme: Tenant, ada: Member) -> None:
    voicemail = save_voicemail(acme.org_id)
    activity.record_view(ada, voicemail.id)
    last = reads.read_ref(store.last_activity_ref(acme.org_id, voicemail.id, "view", ada.user_id))
    assert last == clock.now_iso()
