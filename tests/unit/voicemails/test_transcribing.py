"""Transcripts of voicemails: by the speech port, once, and by the provider where recognition fails."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.aws import clients, objects
from switchboard.aws.writes import commit
from switchboard.calls import store as calls
from switchboard.calls.models import Order, Tier
from switchboard.carriers import speech
from switchboard.kit import clock
from switchboard.persistence.collection import next_version
from switchboard.team.models import Member
from switchboard.voicemails import deletion, transcribing
from switchboard.voicemails.models import MAX_TRANSCRIPT_CHARACTERS, Voicemail
from tests.unit.call_records.desk import ADA
from tests.unit.voicemails.desk import create, find_call, find_voicemail, save_message, save_voicemail
from tests.unit.voicemails.services import (
    SPOKEN,
    count_digest_jobs,
    list_event_types,
    list_looks,
    list_transcription_jobs,
    report_text,
    transcribe,
    transcription_job,
    use_recognizer,
)


def test_the_words_of_a_new_voicemail_are_kept_and_a_digest_is_asked_for(
    ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    recognizer = use_recognizer(monkeypatch)
    voicemail = transcribe(save_voicemail(ada.org_id))
    assert (voicemail.transcript, voicemail.transcript_source, voicemail.transcript_state) == (SPOKEN, "speech", "done")
    [started] = recognizer.started
    assert started["Media"]["MediaFileUri"].endswith(voicemail.audio_key)
    assert recognizer.jobs == {}, "the recognizer keeps the words of no voicemail"
    assert "voicemail.transcribed" in list_event_types(voicemail)
    assert count_digest_jobs(voicemail) == 1


def test_a_slow_transcription_is_looked_at_again(
    ada: Member, monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock
) -> None:
    recognizer = use_recognizer(monkeypatch, looks=2)
    voicemail = save_voicemail(ada.org_id)
    for looks in range(2):
        assert transcribe(voicemail, looks).transcript_state == "pending"
        frozen.advance(seconds=60)
    assert list_looks(voicemail) == [0, 1, 2]
    assert transcribe(voicemail, 2).transcript == SPOKEN
    assert len(recognizer.started) == 1, "one job is paid"


def test_silence_has_no_words_and_no_digest(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    use_recognizer(monkeypatch, "  ")
    voicemail = transcribe(save_voicemail(ada.org_id))
    assert (voicemail.transcript, voicemail.transcript_state, voicemail.transcript_source) == (None, "none", None)
    assert count_digest_jobs(voicemail) == 0


@pytest.mark.parametrize(("text", "asked"), [("a" * 19, False), ("a" * 20, True)])
def test_a_short_transcript_asks_for_no_digest(
    ada: Member, monkeypatch: pytest.MonkeyPatch, text: str, asked: bool
) -> None:
    use_recognizer(monkeypatch, text)
    assert count_digest_jobs(transcribe(save_voicemail(ada.org_id))) == int(asked)


def test_a_long_transcript_is_cut(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    use_recognizer(monkeypatch, "word " * MAX_TRANSCRIPT_CHARACTERS)
    voicemail = transcribe(save_voicemail(ada.org_id))
    assert len(voicemail.transcript or "") == MAX_TRANSCRIPT_CHARACTERS


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"failure": "The media format that you specified doesn't match"}, "unreadable_audio"),
        ({"failure": "Internal failure"}, "recognizer_refused"),
    ],
)
def test_a_failed_recognition_says_why(
    ada: Member, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], error: str
) -> None:
    use_recognizer(monkeypatch, **options)
    voicemail = transcribe(save_voicemail(ada.org_id))
    assert (voicemail.transcript, voicemail.transcript_state, voicemail.transcript_error) == (None, "failed", error)


def test_the_text_of_the_provider_stands_in(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    use_recognizer(monkeypatch, failure="Internal failure")
    voicemail = save_voicemail(ada.org_id)
    call = find_call(voicemail)
    commit(calls.CALLS.save_write(next_version(call, transcripts={voicemail.recording_id: "It is Ada. Call me."})))
    found = transcribe(voicemail)
    assert (found.transcript, found.transcript_source, found.transcript_error) == (
        "It is Ada. Call me.",
        "provider",
        None,
    )


def test_a_recognizer_that_never_ends_is_given_up(
    ada: Member, monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock
) -> None:
    recognizer = use_recognizer(monkeypatch, looks=3)
    voicemail = save_voicemail(ada.org_id)
    job = transcription_job(voicemail, 20)
    transcribe(voicemail)
    frozen.advance(seconds=transcribing.GIVE_UP_AFTER.total_seconds() + 1)
    transcribing.transcribe_voicemail(job)
    found = find_voicemail(voicemail)
    assert (found.transcript_state, found.transcript_error) == ("failed", "timeout")
    transcribing.transcribe_voicemail(job.model_copy(update={"looks": 21}))
    transcribing.transcribe_voicemail(job.model_copy(update={"looks": 22}))
    assert recognizer.jobs == {}, "the result that comes too late is deleted"


def test_a_job_that_waited_for_hours_is_not_given_up_at_its_first_run(
    ada: Member, monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock
) -> None:
    use_recognizer(monkeypatch, looks=1)
    voicemail = save_voicemail(ada.org_id)
    frozen.advance(seconds=2 * transcribing.GIVE_UP_AFTER.total_seconds())
    assert transcribe(voicemail).transcript_state == "pending"
    assert transcribe(voicemail, 1).transcript == SPOKEN


def test_words_that_cannot_be_deleted_now_are_deleted_later(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer = use_recognizer(monkeypatch)
    voicemail = save_voicemail(ada.org_id)
    real = recognizer.delete_transcription_job
    monkeypatch.setattr(recognizer, "delete_transcription_job", lambda **_: recognizer.refuse("ThrottlingException"))
    assert transcribe(voicemail).transcript == SPOKEN
    assert len(recognizer.jobs) == 1
    assert list_looks(voicemail) == [0, 1], "it is tried again"
    monkeypatch.setattr(recognizer, "delete_transcription_job", real)
    transcribe(voicemail, 1)
    assert recognizer.jobs == {}
    assert list_looks(voicemail) == [0, 1]


def test_throttling_is_no_failure(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer = use_recognizer(monkeypatch)
    recognizer.errors = ["LimitExceededException"]
    voicemail = save_voicemail(ada.org_id)
    assert transcribe(voicemail).transcript_state == "pending"
    assert list_looks(voicemail) == [0, 1]
    assert transcribe(voicemail, 1).transcript_state == "pending", "it starts now"
    assert transcribe(voicemail, 2).transcript == SPOKEN


def test_a_flood_of_callers_costs_no_more_than_the_daily_limit(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcribing, "TRANSCRIPTIONS_PER_DAY", 1)
    recognizer = use_recognizer(monkeypatch)
    assert transcribe(save_voicemail(ada.org_id)).transcript == SPOKEN
    over = transcribe(save_voicemail(ada.org_id))
    assert (over.transcript_state, over.transcript_error) == ("failed", "daily_limit")
    assert len(recognizer.started) == 1


def test_a_second_run_changes_nothing(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer = use_recognizer(monkeypatch)
    first = transcribe(save_voicemail(ada.org_id))
    assert transcribe(first) == first
    assert len(recognizer.started) == 1


def test_the_recognizer_decides_although_the_provider_was_faster(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer = use_recognizer(monkeypatch)
    voicemail = create(save_message(ada.org_id, text="Garbled words of the provider.", provider="twilio"))
    assert (voicemail.transcript, voicemail.transcript_state) == (None, "pending")
    assert report_text(voicemail, "Other words.").transcript_state == "pending"
    found = transcribe(voicemail)
    assert (found.transcript, found.transcript_source, len(recognizer.started)) == (SPOKEN, "speech", 1)


def test_a_text_of_the_provider_that_comes_late_settles_a_failed_voicemail(
    ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_recognizer(monkeypatch, failure="Internal failure")
    voicemail = transcribe(save_voicemail(ada.org_id))
    assert voicemail.transcript_state == "failed"
    late = report_text(voicemail, "Hi, this is Maria. Please call me back.")
    assert (late.transcript, late.transcript_source, late.transcript_state, late.transcript_error) == (
        "Hi, this is Maria. Please call me back.",
        "provider",
        "done",
        None,
    )
    assert count_digest_jobs(voicemail) == 1
    assert report_text(late, "Something else.") == late


def test_a_late_text_does_not_replace_a_transcript(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    use_recognizer(monkeypatch)
    voicemail = transcribe(save_voicemail(ada.org_id))
    assert report_text(voicemail, "Something else.") == voicemail


def save_simulated(org_id: str, text: str | None = None, *, provider: str = "simulator") -> Voicemail:
    order = Order(to=ADA, tier=Tier.BASIC, simulated=provider == "twilio")
    return create(save_message(org_id, text=text, order=order, provider=provider, is_test=True))


@pytest.mark.parametrize("provider", ["simulator", "twilio"])
def test_a_simulated_voicemail_waits_for_its_text_and_pays_for_no_recognizer(
    ada: Member, monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    recognizer = use_recognizer(monkeypatch)
    voicemail = save_simulated(ada.org_id, provider=provider)
    assert transcribe(voicemail).transcript_state == "pending"
    assert list_looks(voicemail) == [0, 1]
    found = report_text(voicemail, SPOKEN)
    assert (found.transcript, found.transcript_source, found.transcript_state) == (SPOKEN, "provider", "done")
    assert transcribe(found, 1) == found
    assert recognizer.started == []
    assert count_digest_jobs(voicemail) == 1


def test_a_simulated_voicemail_takes_the_text_that_came_before_it(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer = use_recognizer(monkeypatch)
    voicemail = save_simulated(ada.org_id, SPOKEN)
    assert (voicemail.transcript, voicemail.transcript_source) == (SPOKEN, "provider")
    assert transcribe(voicemail) == voicemail
    assert recognizer.started == []
    assert count_digest_jobs(voicemail) == 1


def test_a_simulated_voicemail_without_a_text_is_given_up(
    ada: Member, monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock
) -> None:
    recognizer = use_recognizer(monkeypatch)
    voicemail = save_simulated(ada.org_id)
    job = transcription_job(voicemail, 20)
    frozen.advance(minutes=29)
    transcribing.transcribe_voicemail(job)
    assert find_voicemail(voicemail).transcript_state == "pending"
    frozen.advance(minutes=2)
    transcribing.transcribe_voicemail(job)
    found = find_voicemail(voicemail)
    assert (found.transcript_state, found.transcript_error, recognizer.started) == ("failed", "timeout", [])


def test_a_recognizer_on_this_machine_also_hears_simulated_people(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer = use_recognizer(monkeypatch)
    monkeypatch.setattr(speech, "is_local", lambda: True)
    voicemail = save_simulated(ada.org_id)
    assert transcribe(voicemail).transcript_source == "speech"
    assert len(recognizer.started) == 1


@pytest.mark.parametrize(
    ("language", "code"), [("es-US", "es-US"), ("es-MX", "es-US"), ("de", "de-DE"), ("xx", "en-US"), (None, "en-US")]
)
def test_a_message_is_heard_in_the_language_in_which_it_was_asked_for(
    ada: Member, monkeypatch: pytest.MonkeyPatch, language: str | None, code: str
) -> None:
    recognizer = use_recognizer(monkeypatch)
    voicemail = create(save_message(ada.org_id, message_language=language))
    (job,) = list_transcription_jobs(voicemail)
    transcribing.transcribe_voicemail(job)
    assert [started["LanguageCode"] for started in recognizer.started] == [code]


def test_the_result_of_a_deleted_voicemail_is_deleted_when_it_comes(
    ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    recognizer = use_recognizer(monkeypatch, looks=2)
    voicemail = save_voicemail(ada.org_id)
    transcribe(voicemail)
    deletion.delete_voicemail(ada, voicemail.id)
    transcribing.transcribe_voicemail(transcription_job(voicemail, 1))
    assert len(recognizer.jobs) == 1, "Amazon refuses to delete a running job"
    transcribing.transcribe_voicemail(transcription_job(voicemail, 2))
    assert recognizer.jobs == {}
    assert list_looks(voicemail) == [0, 1, 2], "nothing is looked for any more"
    with pytest.raises(clients.ClientError):
        objects.read_object("recordings", f"{voicemail.audio_key}.json", 10**6, 0)
