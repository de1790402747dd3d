"""The creation of voicemails: once for each stored message, counted, and told to webhooks."""

from __future__ import annotations

import pytest

from switchboard.calls import reports
from switchboard.calls import store as calls
from switchboard.calls.models import Order, Tier
from switchboard.carriers.voice.ports.reports import Report
from switchboard.dialects.hum.voicemail_views import shared_fields
from switchboard.events import registry
from switchboard.events.models import Event
from switchboard.fanout import rendering, routes
from switchboard.kit import clock
from switchboard.team.models import Member
from switchboard.voicemails import creation, deletion, store
from switchboard.voicemails.jobs import CreateVoicemail, TranscribeVoicemail, UseProviderText
from switchboard.voicemails.models import VoicemailViewer
from tests.actors import Tenant
from tests.conftest import Skips
from tests.integration.sabotage import scan_items
from tests.unit.contacts.book import list_workflow_events
from tests.unit.voicemails.desk import create, received_event, save_message, save_voicemail

pytestmark = pytest.mark.usefixtures("cloud", "frozen")
TEXT = "Please call me back about the invoice."


def waiting_jobs() -> list[str]:
    """Returns the names of the jobs in the outbox."""
    items = scan_items("activity", FilterExpression="attribute_exists(outbox)")
    return sorted(item["body"]["M"]["job"]["S"] for item in items if item["outbox"]["S"] == "job")


def test_a_stored_message_starts_the_creation_of_its_voicemail() -> None:
    event = Event.model_validate(
        {
            "id": "evt_1",
            "org_id": "org_1",
            "type": "voice.call.voicemail_recorded",
            "at": clock.now_iso(),
            "actor": {"type": "system", "id": "voice"},
            "correlation_id": "corr_1",
            "subject": {"type": "call", "id": "call_1"},
            "data": {"recording": "RE_1", "voicemail": True, "duration_seconds": 2},
        }
    )
    assert CreateVoicemail(org_id="org_1", call_id="call_1", recording_id="RE_1") in list(routes.jobs_of(event))


def test_a_voicemail_is_created_once_with_one_event_and_one_job(acme: Tenant, frozen: clock.FrozenClock) -> None:
    call = save_message(acme.org_id)
    first = create(call)
    frozen.advance(minutes=5)
    assert create(call) == first
    (event,) = list_workflow_events(acme.org_id, call.correlation_id)
    assert (event.type, event.subject.id) == ("voicemail.received", first.id)
    assert event.data["called"] == "num_1"
    assert waiting_jobs() == [TranscribeVoicemail.__name__]
    assert (first.transcript, first.transcript_source, first.transcript_state) == (None, None, "pending")


@pytest.mark.parametrize(("is_test", "simulated"), [(True, True), (True, False), (False, False)])
def test_a_voicemail_of_a_test_or_a_simulated_call_says_so(acme: Tenant, is_test: bool, simulated: bool) -> None:
    order = Order(to="+14155550142", tier=Tier.BASIC, simulated=simulated)
    shown = shared_fields(create(save_message(acme.org_id, order=order, is_test=is_test)))
    assert (shown["is_test"], shown["simulated"]) == (is_test, simulated)


def test_the_text_of_a_recording_is_an_event_that_starts_a_job(acme: Tenant) -> None:
    call = save_message(acme.org_id)
    recording = call.recordings[0].id
    reports.apply_report(
        Report(org_id=acme.org_id, call_id=call.id, kind="transcribed", recording_id=recording, text=TEXT)
    )
    (event,) = list_workflow_events(acme.org_id, call.correlation_id)
    assert (event.type, event.data["characters"]) == ("voice.call.message_transcribed", len(TEXT))
    assert list(routes.jobs_of(event)) == [UseProviderText(org_id=acme.org_id, call_id=call.id, recording_id=recording)]


@pytest.mark.parametrize("change", [{"key": None}, {"voicemail": False}, {"lost": True, "key": None}])
def test_a_recording_without_a_stored_message_makes_no_voicemail(
    acme: Tenant, skipped: Skips, change: dict[str, object]
) -> None:
    call = save_message(acme.org_id)
    call.recordings[0] = call.recordings[0].model_copy(update=change)
    calls.CALLS.change_object(
        acme.org_id,
        call.id,
        lambda found: (found.model_copy(update={"recordings": call.recordings, "version": 3}), None),
    )
    creation.create_voicemail(acme.org_id, call.id, call.recordings[0].id)
    assert store.LISTING.places(acme.org_id, {}, 10) == []
    assert [reason for reason, _ in skipped] == ["the message is gone"]


def test_a_deletion_between_the_read_and_the_commit_leaves_no_voicemail(
    acme: Tenant, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = save_message(acme.org_id)
    recording_id = call.recordings[0].id
    build = creation.new_voicemail
    runs: list[str] = []

    def meet(*given: object) -> object:
        """Another run of the job creates the voicemail, and a member deletes it."""
        if not runs:
            runs.append("met")
            deletion.delete_voicemail(ada, create(call).id)
        return build(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(creation, "new_voicemail", meet)
    creation.create_voicemail(acme.org_id, call.id, recording_id)
    assert runs == ["met"]
    assert store.LISTING.places(acme.org_id, {}, 10) == []


def test_a_late_text_of_a_deleted_message_stays_out(acme: Tenant, ada: Member) -> None:
    voicemail = save_voicemail(acme.org_id, text=TEXT)
    deletion.delete_voicemail(ada, voicemail.id)
    late = Report(
        org_id=acme.org_id,
        call_id=voicemail.call_id,
        kind="transcribed",
        recording_id=voicemail.recording_id,
        text=TEXT,
    )
    reports.apply_report(late)
    found = calls.CALLS.get_object(acme.org_id, voicemail.call_id)
    assert found is not None
    assert found.transcripts == {}


def test_the_webhook_has_the_voicemail_without_what_only_a_reader_sees(acme: Tenant) -> None:
    voicemail = save_voicemail(acme.org_id, text=TEXT)
    viewer = VoicemailViewer(user_id="usr_1", name="Ada", viewed_at=clock.now_iso())
    store.VOICEMAILS.change_object(
        acme.org_id, voicemail.id, lambda one: (one.model_copy(update={"viewers": [viewer], "version": 2}), None)
    )
    event = received_event(voicemail)
    (made,) = rendering.RENDERERS["hum"](event, rendering.read_subjects([event]).of(event))
    assert made.event == registry.TYPES[event.type].webhooks["hum"] == "voicemail.received"
    assert made.body == {
        "id": event.id,
        "type": "voicemail.received",
        "org_id": acme.org_id,
        "created_at": event.at,
        "data": {
            "id": voicemail.id,
            "call_id": voicemail.call_id,
            "number_id": "num_1",
            "flow_id": "flow_1",
            "from_e164": voicemail.from_e164,
            "duration_sec": 12,
            "transcript": TEXT,
            "is_test": False,
            "simulated": False,
            "is_heard": False,
            "ai_summary": None,
            "viewers": [viewer.model_dump()],
            "last_action": None,
            "created_at": voicemail.created_at,
        },
    }


def test_the_webhook_of_a_deleted_voicemail_is_not_sent(acme: Tenant, ada: Member) -> None:
    voicemail = save_voicemail(acme.org_id)
    deletion.delete_voicemail(ada, voicemail.id)
    event = received_event(voicemail)
    assert rendering.RENDERERS["hum"](event, rendering.read_subjects([event]).of(event)) == []
