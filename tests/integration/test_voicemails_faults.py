"""Voicemails under faults: killed between any two AWS calls, each is created once and deleted whole."""

from __future__ import annotations

import pytest

from switchboard.aws import clients, objects, queues
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.events.models import Event
from switchboard.inbox import service as inbox
from switchboard.kit import clock
from switchboard.people import sessions
from switchboard.projections.jobs import ProjectEvent
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from switchboard.voicemails import activity, creation, deletion, store
from switchboard.voicemails.jobs import CreateVoicemail
from switchboard.voicemails.models import ActionKind, Voicemail
from tests.actors import Tenant, member, tenant
from tests.integration.sabotage import Dying, Sabotage, drain_queue, invoke, run_worker, scan_items
from tests.load.request import api_event
from tests.unit.contacts.book import list_workflow_events
from tests.unit.voicemails.desk import (
    AUDIO,
    count_voicemail,
    erase_job,
    find_call,
    received_event,
    save_message,
    save_voicemail,
)

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_MINUTE", "100000")
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_SECOND", "10000")
    return tenant()


@pytest.fixture
def ada(acme: Tenant) -> Member:
    return member(acme.org_id, Role.OPERATOR)


@pytest.fixture
def saboteur(acme: Tenant) -> Sabotage:
    return Sabotage()


def count_unread(member: Member) -> int:
    return inbox.count_unread(member.org_id, member.user_id, ["voicemails"])["voicemails"]


def send_creation(acme: Tenant) -> CreateVoicemail:
    """Store a message and send the job of its event."""
    call = save_message(acme.org_id)
    job = CreateVoicemail(org_id=acme.org_id, call_id=call.id, recording_id=call.recordings[0].id)
    queues.send_messages([job.to_message()])
    return job


def read_outcome(job: CreateVoicemail) -> tuple[list[Event], list[str]]:
    """Returns the events of a voicemail's workflow, and the ids of its jobs in the outbox."""
    items = scan_items("activity", FilterExpression="attribute_exists(outbox)")
    bodies = [item["body"]["M"] for item in items if item["outbox"]["S"] == "job"]
    found = [voicemail for voicemail in list_all(job.org_id) if voicemail.call_id == job.call_id]
    assert len(found) == 1
    jobs = [body["job"]["S"] for body in bodies if body["voicemail_id"]["S"] == found[0].id]
    events = [
        event for event in list_workflow_events(job.org_id, found[0].correlation_id) if event.subject.id == found[0].id
    ]
    return events, jobs


def list_all(org_id: str) -> list[Voicemail]:
    places = store.LISTING.places(org_id, {}, 100)
    found = store.VOICEMAILS.get_objects([(org_id, place.split("#")[1]) for place in places])
    return [voicemail for voicemail in found if voicemail]


def test_a_worker_killed_anywhere_creates_a_voicemail_once(acme: Tenant, saboteur: Sabotage) -> None:
    send_creation(acme)
    with saboteur.counting() as calls:
        run_worker("workers/voicemails")
    assert calls
    for done in range(len(calls)):
        job = send_creation(acme)
        with saboteur.killing(after=done):
            run_worker("workers/voicemails")
        queues.send_messages([job.to_message()])
        run_worker("workers/voicemails")
        events, jobs = read_outcome(job)
        assert [event.type for event in events] == ["voicemail.received"], done
        assert jobs == ["TranscribeVoicemail"], done


def test_a_projection_killed_anywhere_counts_a_voicemail_once(acme: Tenant, ada: Member, saboteur: Sabotage) -> None:
    def send() -> ProjectEvent:
        event = received_event(save_voicemail(acme.org_id, counted=False))
        job = ProjectEvent(org_id=acme.org_id, event=event)
        queues.send_messages([job.to_message()])
        return job

    send()
    with saboteur.counting() as calls:
        run_worker("workers/projections")
    for done in range(len(calls)):
        job = send()
        with saboteur.killing(after=done):
            run_worker("workers/projections")
        queues.send_messages([job.to_message()])
        run_worker("workers/projections")
        assert count_unread(ada) == done + 2


def full_voicemail(acme: Tenant, ada: Member) -> Voicemail:
    """A voicemail with activity, and with a flag of a member."""
    voicemail = save_voicemail(acme.org_id)
    activity.record_view(ada, voicemail.id)
    activity.log_action(ada, voicemail.id, ActionKind.RESOLVED, None, mark_heard=True)
    return voicemail


def test_a_request_killed_anywhere_deletes_a_voicemail_once(acme: Tenant, ada: Member, saboteur: Sabotage) -> None:
    cookie = sessions.open_session(ada.user, ada.org_id)

    def delete(voicemail: Voicemail, key: str) -> int:
        headers = {"cookie": f"{COOKIE}={cookie}", "idempotency-key": key, "x-correlation-id": f"corr_{voicemail.id}"}
        event = api_event("DELETE", f"/api/voicemails/{voicemail.id}", headers, None)
        return int(invoke("hum/voicemails", event, Dying)["statusCode"])

    first = full_voicemail(acme, ada)
    with saboteur.counting() as calls:
        assert delete(first, "first") == 200
    for done in range(len(calls)):
        voicemail = full_voicemail(acme, ada)
        with saboteur.killing(after=done):
            delete(voicemail, f"key-{done}")
        assert delete(voicemail, f"key-{done}") == 200, done
        types = [event.type for event in list_workflow_events(acme.org_id, f"corr_{voicemail.id}")]
        assert types == ["voicemail.deleted"], done
        assert find_call(voicemail).recordings[0].deleted
        erasures = [
            item
            for item in scan_items("activity", FilterExpression="attribute_exists(outbox)")
            if item["outbox"]["S"] == "job"
            and item["body"]["M"]["job"]["S"] == "EraseVoicemail"
            and item["body"]["M"]["voicemail_id"]["S"] == voicemail.id
        ]
        assert len(erasures) == 1


def test_a_worker_killed_anywhere_erases_a_deleted_voicemail_whole(
    acme: Tenant, ada: Member, saboteur: Sabotage
) -> None:
    bob = member(acme.org_id, Role.VIEWER, "Bob")
    kept = save_voicemail(acme.org_id)

    def send(voicemail: Voicemail) -> None:
        queues.send_messages([erase_job(voicemail).to_message()])

    def make() -> Voicemail:
        voicemail = full_voicemail(acme, ada)
        deletion.delete_voicemail(ada, voicemail.id)
        send(voicemail)
        return voicemail

    make()
    with saboteur.counting() as calls:
        run_worker("workers/voicemails")
    assert len(calls) > 3
    for done in range(len(calls)):
        voicemail = make()
        with saboteur.killing(after=done):
            run_worker("workers/voicemails")
        send(voicemail)
        run_worker("workers/voicemails")
        left = [item for item in scan_items("activity") if f"#voicemail#{voicemail.id}" in item["pk"]["S"]]
        assert left == [], done
        with pytest.raises(clients.ClientError):
            objects.read_object("recordings", voicemail.audio_key, 10**6, 10)
        # The event may be projected late, or again.
        count_voicemail(voicemail)
        assert (count_unread(ada), count_unread(bob)) == (1, 1), done
    assert objects.read_object("recordings", kept.audio_key, 10**6, 10).content == AUDIO
    assert drain_queue("voicemails") == []
    assert creation.voicemail_id(find_call(kept), kept.recording_id) == kept.id
