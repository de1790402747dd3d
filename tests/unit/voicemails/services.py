"""Recognizers and language models for the tests of voicemails, and their jobs."""

from __future__ import annotations

from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer

from switchboard.aws import clients
from switchboard.calls import reports
from switchboard.carriers.voice.ports.reports import Report
from switchboard.kit import clock
from switchboard.voicemails import summarizing, transcribing
from switchboard.voicemails.jobs import SummarizeVoicemail, TranscribeVoicemail, UseProviderText
from switchboard.voicemails.models import Voicemail
from tests.fakes.bedrock import BedrockRuntime
from tests.fakes.transcribe import TranscribeService
from tests.integration.sabotage import scan_items
from tests.unit.contacts.book import list_workflow_events
from tests.unit.voicemails.desk import find_voicemail

SPOKEN = "Hi, this is Maria Lopez. Please call me back at 415-555-2671 about my invoice."
ANSWER: dict[str, Any] = {
    "tldr": "Maria Lopez asks for a call back about her invoice.",
    "sentiment": "neutral",
    "urgency": "normal",
    "intended_recipient": None,
    "caller_name": "Maria Lopez",
    "callback_number_e164": "+14155552671",
    "categories": ["billing"],
    "entities": ["invoice"],
    "action_items": ["Call Maria Lopez back."],
    "language": "en-US",
}


def use_service(monkeypatch: pytest.MonkeyPatch, name: str, service: Any) -> None:
    """Lets the code talk to a double of an AWS service."""
    real = clients.get_client
    monkeypatch.setattr(clients, "get_client", lambda asked: service if asked == name else real(asked))


def use_recognizer(monkeypatch: pytest.MonkeyPatch, text: str = SPOKEN, **options: Any) -> TranscribeService:
    """Configures a recognizer that hears `text`."""
    monkeypatch.setenv("SWITCHBOARD_TRANSCRIBER", "amazon")
    service = TranscribeService(text, **options)
    use_service(monkeypatch, "transcribe", service)
    return service


def use_model(monkeypatch: pytest.MonkeyPatch, *answers: Any) -> BedrockRuntime:
    """Configures a language model with its answers."""
    monkeypatch.setenv("SWITCHBOARD_LANGUAGE_MODEL", "bedrock")
    monkeypatch.setenv("SWITCHBOARD_BEDROCK_MODEL", "test-model")
    runtime = BedrockRuntime(*answers)
    use_service(monkeypatch, "bedrock-runtime", runtime)
    return runtime


def transcribe(voicemail: Voicemail, looks: int = 0) -> Voicemail:
    """Do what the worker does with a job of transcription. Returns the present voicemail."""
    transcribing.transcribe_voicemail(transcription_job(voicemail, looks))
    return find_voicemail(voicemail)


def report_text(voicemail: Voicemail, text: str) -> Voicemail:
    """Do what the workers do with the provider's text of a recording. Returns the present voicemail."""
    ids = {"org_id": voicemail.org_id, "call_id": voicemail.call_id, "recording_id": voicemail.recording_id}
    reports.apply_report(Report(kind="transcribed", text=text, **ids))
    transcribing.use_provider_text(UseProviderText(**ids))
    return find_voicemail(voicemail)


def transcription_job(voicemail: Voicemail, looks: int = 0) -> TranscribeVoicemail:
    """The job of transcription after some looks."""
    return TranscribeVoicemail(
        org_id=voicemail.org_id,
        voicemail_id=voicemail.id,
        audio_key=voicemail.audio_key,
        media_type=voicemail.media_type,
        looks=looks,
        begun_at=clock.now_iso() if looks else None,
    )


def summarize(voicemail: Voicemail, tries: int = 0) -> Voicemail:
    """Do what the worker does with a job of a digest after some tries. Returns the present voicemail."""
    begun_at = clock.now_iso() if tries else None
    job = SummarizeVoicemail(org_id=voicemail.org_id, voicemail_id=voicemail.id, tries=tries, begun_at=begun_at)
    summarizing.summarize_voicemail(job)
    return find_voicemail(voicemail)


def list_event_types(voicemail: Voicemail) -> list[str]:
    """The types of the voicemail's events, sorted."""
    found = list_workflow_events(voicemail.org_id, voicemail.correlation_id)
    return sorted(event.type for event in found if event.subject.id == voicemail.id)


def list_looks(voicemail: Voicemail) -> list[int]:
    """The looks for a transcript that commits have asked for, in any order."""
    return sorted(int(job["looks"]["N"]) for job in _list_jobs(voicemail, "TranscribeVoicemail"))


def list_transcription_jobs(voicemail: Voicemail) -> list[TranscribeVoicemail]:
    """The transcriptions of a voicemail that commits have asked for."""
    deserialize = TypeDeserializer().deserialize
    jobs = [deserialize({"M": job}) for job in _list_jobs(voicemail, "TranscribeVoicemail")]
    return [TranscribeVoicemail.model_validate({name: job[name] for name in job if name != "job"}) for job in jobs]


def count_digest_jobs(voicemail: Voicemail) -> int:
    """How many digests of a voicemail commits have asked for."""
    return len(_list_jobs(voicemail, "SummarizeVoicemail"))


def _list_jobs(voicemail: Voicemail, name: str) -> list[dict[str, Any]]:
    bodies = [item["body"]["M"] for item in scan_items("activity") if "M" in item.get("body", {})]
    jobs = [body for body in bodies if body.get("job", {}).get("S") == name]
    return [job for job in jobs if job["voicemail_id"]["S"] == voicemail.id]
