"""The deletion of voicemails: nothing stays, and nothing comes back."""

from __future__ import annotations

import pytest

from switchboard.aws import clients, objects
from switchboard.calls import recordings
from switchboard.calls import store as calls
from switchboard.calls.models import CallerMessageState
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.recordings import Audio, RecordingPlace
from switchboard.errors import NotFound
from switchboard.inbox import service as inbox
from switchboard.kit import texts
from switchboard.persistence.collection import next_version
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.projections import service as projections
from switchboard.team.models import Member
from switchboard.voicemails import activity, deletion, service, store
from switchboard.voicemails.models import ActionKind, Voicemail
from tests.actors import Tenant
from tests.integration.sabotage import scan_items
from tests.unit.contacts.book import list_workflow_events
from tests.unit.voicemails.desk import (
    AUDIO,
    count_voicemail,
    create,
    erase_job,
    find_call,
    find_voicemail,
    received_event,
    save_message,
    save_voicemail,
)

pytestmark = pytest.mark.usefixtures("cloud", "frozen")
TEXT = "Please call me back about the invoice."


def is_stored(voicemail: Voicemail) -> bool:
    """Whether the audio is stored."""
    try:
        return objects.read_object("recordings", voicemail.audio_key, 10**6, 10).content == AUDIO
    except clients.ClientError:
        return False


def count_unread(member: Member) -> int:
    return inbox.count_unread(member.org_id, member.user_id, ["voicemails"])["voicemails"]


@pytest.fixture
def busy(acme: Tenant, ada: Member, bob: Member) -> Voicemail:
    """A voicemail with all kinds of activity, beside another one."""
    save_voicemail(acme.org_id)
    voicemail = save_voicemail(acme.org_id, text=TEXT)
    activity.record_view(ada, voicemail.id)
    activity.record_play(bob, voicemail.id)
    activity.log_action(ada, voicemail.id, ActionKind.RESOLVED, "Done.", mark_heard=True)
    return find_voicemail(voicemail)


def test_a_deleted_voicemail_leaves_nothing_but_its_event(acme: Tenant, ada: Member, busy: Voicemail) -> None:
    deletion.delete_voicemail(ada, busy.id)
    deletion.erase_voicemail(erase_job(busy))
    left = [item for item in scan_items("activity") if f"#voicemail#{busy.id}" in item["pk"]["S"]]
    assert (left, is_stored(busy)) == ([], False)
    assert TEXT not in str(scan_items("activity"))
    call = find_call(busy)
    assert (call.has_voicemail, call.voicemail, call.transcripts) == (False, CallerMessageState.DELETED, {})
    (recording,) = call.recordings
    assert (recording.key, recording.url, recording.deleted) == (None, "", True)
    (event,) = [one for one in list_workflow_events(acme.org_id, "corr_test") if one.type == "voicemail.deleted"]
    assert event.data == {
        "call": busy.call_id,
        "caller": texts.digest(busy.from_e164),
        "content": texts.digest(texts.dump_json(busy.model_dump(mode="json"))),
    }


def test_the_counts_of_all_members_stay_right(ada: Member, bob: Member, busy: Voicemail) -> None:
    assert (count_unread(ada), count_unread(bob)) == (1, 2)
    deletion.delete_voicemail(ada, busy.id)
    for _ in range(2):
        deletion.erase_voicemail(erase_job(busy))
    assert (count_unread(ada), count_unread(bob)) == (1, 1)


def test_a_second_deletion_finds_nothing_and_a_repeated_one_succeeds(ada: Member, busy: Voicemail) -> None:
    effect = IdempotencyKey(scope="ada", key="k", fingerprint="f")
    for _ in range(2):
        deletion.delete_voicemail(ada, busy.id, effect)
    with pytest.raises(NotFound):
        deletion.delete_voicemail(ada, busy.id)


def test_nothing_brings_a_deleted_voicemail_back(acme: Tenant, ada: Member, busy: Voicemail) -> None:
    call, event = find_call(busy), received_event(busy)
    deletion.delete_voicemail(ada, busy.id)
    with pytest.raises(AssertionError):
        create(call)
    projections.project_event(event)
    projections.clear_projection(acme.org_id, "voicemail_inbox")
    deletion.erase_voicemail(erase_job(busy))
    projections.project_event(event)
    for act in (
        lambda: activity.record_view(ada, busy.id),
        lambda: activity.record_play(ada, busy.id),
        lambda: activity.log_action(ada, busy.id, ActionKind.RESOLVED, None, mark_heard=True),
        lambda: activity.update_voicemail(ada, busy.id, is_heard=False, is_read=None),
        lambda: activity.update_voicemail(ada, busy.id, is_heard=None, is_read=False),
        lambda: service.request_summary(ada, busy.id),
        lambda: service.get_voicemail(ada, busy.id),
    ):
        with pytest.raises(NotFound):
            act()
    assert [item for item in scan_items("activity") if f"#voicemail#{busy.id}" in item["pk"]["S"]] == []
    rows, _ = service.list_voicemails(ada, None, 50, None)
    assert len(rows) == 1
    count_voicemail(rows[0].voicemail)
    assert count_unread(ada) == 1


def test_a_message_beside_a_deleted_one_stays(acme: Tenant, ada: Member) -> None:
    call = save_message(acme.org_id)
    second = call.recordings[0].model_copy(update={"id": "RE_second"})
    calls.CALLS.change_object(
        acme.org_id, call.id, lambda one: (next_version(one, recordings=[*one.recordings, second]), None)
    )
    deletion.delete_voicemail(ada, create(call).id)
    found = calls.CALLS.get_object(acme.org_id, call.id)
    assert found is not None
    assert found.has_voicemail
    assert [one.deleted for one in found.recordings] == [True, False]


def test_a_fetch_that_is_slower_than_the_deletion_leaves_no_audio(
    acme: Tenant, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    voicemail = save_voicemail(acme.org_id)
    before = find_call(voicemail)
    without = before.recordings[0].model_copy(update={"key": None, "media_type": None})
    calls.CALLS.change_object(acme.org_id, before.id, lambda one: (next_version(one, recordings=[without]), None))

    class SlowSource:
        """While this run fetches, another one stores the recording, and a member deletes the voicemail."""

        def fetch(self, _: RecordingPlace) -> Audio:
            calls.CALLS.change_object(
                acme.org_id, before.id, lambda one: (next_version(one, recordings=before.recordings), None)
            )
            deletion.delete_voicemail(ada, voicemail.id)
            deletion.erase_voicemail(erase_job(voicemail))
            return Audio(AUDIO, "audio/wav")

    monkeypatch.setattr(voice, "find_recordings", lambda _: SlowSource())
    recordings.fetch_recording(acme.org_id, before.id, voicemail.recording_id, 0)
    assert not is_stored(voicemail)
    objects.put_object("recordings", voicemail.audio_key, AUDIO, "audio/wav")
    # The worker may have been killed after it stored the object. Its job comes again.
    recordings.fetch_recording(acme.org_id, before.id, voicemail.recording_id, 0)
    assert not is_stored(voicemail)
    assert find_call(voicemail).recordings[0].deleted


def test_figures_count_a_voicemail_that_was_deleted(ada: Member, busy: Voicemail) -> None:
    deletion.delete_voicemail(ada, busy.id)
    assert find_call(busy).took_voicemail
    assert store.VOICEMAILS.get_object(busy.org_id, busy.id) is None
