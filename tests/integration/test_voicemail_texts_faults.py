"""Transcripts and digests under faults: a worker killed between any two AWS calls writes each of them once."""

from __future__ import annotations

from collections import Counter

import pytest

from switchboard.aws import queues
from switchboard.kit import clock
from switchboard.kit.jobs import Job
from switchboard.voicemails.jobs import SummarizeVoicemail
from switchboard.voicemails.models import Voicemail
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Sabotage, run_worker
from tests.unit.voicemails.desk import find_voicemail, save_voicemail
from tests.unit.voicemails.services import (
    ANSWER,
    SPOKEN,
    count_digest_jobs,
    list_event_types,
    transcription_job,
    use_model,
    use_recognizer,
)

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.fixture
def saboteur(acme: Tenant) -> Sabotage:
    return Sabotage()


def run(*jobs: Job) -> None:
    queues.send_messages([job.to_message() for job in jobs])
    run_worker("workers/voicemails")
    run_worker("workers/digests")


def count_events(voicemail: Voicemail) -> Counter[str]:
    return Counter(kind for kind in list_event_types(voicemail) if kind.startswith("voicemail."))


def test_a_killed_worker_transcribes_a_voicemail_once(
    acme: Tenant, saboteur: Sabotage, monkeypatch: pytest.MonkeyPatch
) -> None:
    recognizer = use_recognizer(monkeypatch)
    with saboteur.counting() as calls:
        run(transcription_job(save_voicemail(acme.org_id)))
    assert len(calls) > 3
    for done in range(len(calls)):
        voicemail = save_voicemail(acme.org_id)
        recognizer.started.clear()
        with saboteur.killing(after=done):
            run(transcription_job(voicemail))
        run(transcription_job(voicemail))
        found = find_voicemail(voicemail)
        assert (found.transcript, found.transcript_state) == (SPOKEN, "done"), done
        assert count_events(found) == {"voicemail.received": 1, "voicemail.transcribed": 1}, done
        assert len(recognizer.started) == 1, "one job is paid"
        assert recognizer.jobs == {}, "the recognizer keeps nothing"
        assert count_digest_jobs(found) >= 1, done


def test_a_killed_worker_writes_a_digest_once(
    acme: Tenant, saboteur: Sabotage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def job(voicemail: Voicemail) -> SummarizeVoicemail:
        return SummarizeVoicemail(org_id=voicemail.org_id, voicemail_id=voicemail.id)

    model = use_model(monkeypatch, *[ANSWER] * 100)
    with saboteur.counting() as calls:
        run(job(save_voicemail(acme.org_id, text=SPOKEN)))
    assert len(calls) > 3
    for done in range(len(calls)):
        voicemail = save_voicemail(acme.org_id, text=SPOKEN)
        with saboteur.killing(after=done):
            run(job(voicemail))
        run(job(voicemail), job(voicemail))
        found = find_voicemail(voicemail)
        assert found.ai_summary is not None
        assert (found.ai_summary.tldr, found.ai_summary.attempt_count) == (ANSWER["tldr"], 1), done
        assert count_events(found) == {"voicemail.received": 1, "voicemail.summarized": 1}, done
    assert len(model.asked) <= 2 * (len(calls) + 1), "a killed attempt is repeated once"
