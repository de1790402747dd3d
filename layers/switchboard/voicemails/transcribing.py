"""Gets the transcript of a new voicemail by the speech port, and then asks for its digest.

The first run of the job starts a transcription. Each later run looks for its result, until there is one. The provider's
own text of the recording stands in if speech recognition fails, or if the organization has used its day's number of
transcriptions. It may come later than the failure. A simulated message costs nothing: its text is the simulator's,
unless the recognizer runs on this machine.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.aws import reads
from switchboard.aws.writes import Put, commit
from switchboard.calls import lookup
from switchboard.calls.models import Call
from switchboard.carriers import speech
from switchboard.carriers.speech import (
    AudioSource,
    JobGoneError,
    RefusedError,
    ThrottledError,
    Transcription,
    UnreadableAudioError,
)
from switchboard.errors import QuotaExceeded
from switchboard.kit import chance, clock
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import Decision
from switchboard.timers import service as timers
from switchboard.usage import service as usage
from switchboard.voicemails import store, system_changes
from switchboard.voicemails.creation import voicemail_id
from switchboard.voicemails.jobs import SummarizeVoicemail, TranscribeVoicemail, UseProviderText
from switchboard.voicemails.models import (
    MAX_TRANSCRIPT_CHARACTERS,
    MIN_TRANSCRIPT_CHARACTERS,
    TranscriptSource,
    TranscriptState,
    Voicemail,
)

#: How many voicemails of an organization are transcribed in a day (UTC). A flood of callers must not cost more.
TRANSCRIPTIONS_PER_DAY = 2_000
#: The pauses between two looks: short at first, then longer.
_FIRST_LOOK, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)
#: How long after the first run a voicemail waits for its transcript. The recognizer has limits of its own.
GIVE_UP_AFTER = timedelta(hours=6)
#: How long after the first run the simulator may report its text. It needs some seconds.
_TEXT_WITHIN = timedelta(minutes=30)
#: How long the recognizer is asked to delete what it keeps.
_FORGET_WITHIN = timedelta(days=3)
_BUCKET = "recordings"


def transcribe_voicemail(job: TranscribeVoicemail) -> None:
    """Starts the transcription of a voicemail, or looks for its result. It may run several times."""
    voicemail = store.VOICEMAILS.get_object(job.org_id, job.voicemail_id)
    if voicemail is None:
        telemetry.log_skip("the voicemail is gone", org_id=job.org_id, voicemail_id=job.voicemail_id)
        _forget(job)
        return
    if voicemail.transcript_state == "pending":
        _transcribe(voicemail, job)
        return
    telemetry.log_skip("the voicemail has its transcript", org_id=job.org_id, voicemail_id=job.voicemail_id)
    if not job.looks and voicemail.ai_summary is None and (writes := _digest_writes(voicemail)):
        commit(*writes)  # the transcript came with the voicemail, from the provider
    _forget(job)


def use_provider_text(job: UseProviderText) -> None:
    """Gives a voicemail the provider's text that came after its failure, or for which it waits."""
    call = reads.read_ref(lookup.call_ref(job.org_id, job.call_id))
    voicemail = store.VOICEMAILS.get_object(job.org_id, voicemail_id(call, job.recording_id)) if call else None
    text = _find_provider_text(call, job.recording_id)
    if voicemail is None or not text or not _lacks_provider_text(voicemail):
        telemetry.log_skip("no voicemail needs the provider's text", org_id=job.org_id, call_id=job.call_id)
        return
    _settle(voicemail, "done", text, "provider", when=_lacks_provider_text)


def _lacks_provider_text(voicemail: Voicemail) -> bool:
    waits = voicemail.transcript_state == "pending" and voicemail.provider_transcribes and not speech.is_local()
    return voicemail.transcript_state == "failed" or waits


def _transcribe(voicemail: Voicemail, job: TranscribeVoicemail) -> None:
    if voicemail.provider_transcribes and not speech.is_local():
        _await_provider_text(voicemail, job)
        return
    try:
        if not job.looks:
            _count_transcription(voicemail)
        found = _look(job)
    except QuotaExceeded:
        _give_up(voicemail, "daily_limit")
    except UnreadableAudioError:
        _give_up(voicemail, "unreadable_audio")
    except ThrottledError as error:
        _look_later(voicemail, job, str(error))
        return
    except RefusedError as error:
        telemetry.logger().warning("transcription refused", extra={"voicemail_id": voicemail.id, "reason": str(error)})
        _give_up(voicemail, "recognizer_refused")
    else:
        if found is None:
            _look_later(voicemail, job, "it runs")
            return
        text = found.text.strip()[:MAX_TRANSCRIPT_CHARACTERS]
        _settle(voicemail, "done" if text else "none", text or None, "speech" if text else None)
    _forget(job)


def _look(job: TranscribeVoicemail) -> Transcription | None:
    """Returns the result of the transcription, None while it runs. Starts it if it has not begun."""
    transcriber, language = speech.configured_transcriber(), job.language or speech.LANGUAGE
    if not job.looks:
        transcriber.start(_audio(job), _name(job), language)  # changes nothing if it runs
    try:
        return transcriber.fetch(_audio(job), _name(job), language)
    except JobGoneError:
        transcriber.start(_audio(job), _name(job), language)  # an earlier run was throttled
        return None


def _await_provider_text(voicemail: Voicemail, job: TranscribeVoicemail) -> None:
    """Waits for the simulator's text, which settles the voicemail when it comes (`use_provider_text`)."""
    if _is_within(job, _TEXT_WITHIN):
        telemetry.log_skip("the simulator's text is awaited", org_id=job.org_id, voicemail_id=job.voicemail_id)
        _schedule_look(job)
    else:
        _give_up(voicemail, "timeout")


def _count_transcription(voicemail: Voicemail) -> None:
    """Counts a transcription before it costs money. Raises QuotaExceeded at the organization's daily limit."""
    org = organizations.get_organization(voicemail.org_id)
    usage.commit_within([usage.unbilled_charge(org, "voicemail_transcriptions", TRANSCRIPTIONS_PER_DAY)])


def _look_later(voicemail: Voicemail, job: TranscribeVoicemail, why: str) -> None:
    if _is_within(job, GIVE_UP_AFTER):
        telemetry.log_skip(f"the transcript comes later: {why}", org_id=job.org_id, voicemail_id=job.voicemail_id)
    else:
        _give_up(voicemail, "timeout")
    # After a time-out the next look deletes the result.
    _schedule_look(job)


def _is_within(job: TranscribeVoicemail, time: timedelta) -> bool:
    """Whether the first run was at most this time ago. A job that waited long in its queue has all its time."""
    return job.begun_at is None or clock.parse(job.begun_at) + time > clock.now()


def _schedule_look(job: TranscribeVoicemail) -> None:
    pause = min(_FIRST_LOOK * 2 ** min(job.looks, 10), _LONGEST_PAUSE)
    again = job.model_copy(update={"looks": job.looks + 1, "begun_at": job.begun_at or clock.now_iso()})
    commit(timers.schedule(again, clock.now() + pause * chance.between(0.8, 1.2)).write)


def _give_up(voicemail: Voicemail, error: str) -> None:
    """Keeps the provider's text of the recording, or else says why there is none."""
    call = reads.read_ref(lookup.call_ref(voicemail.org_id, voicemail.call_id))
    if text := _find_provider_text(call, voicemail.recording_id):
        _settle(voicemail, "done", text, "provider")
    else:
        _settle(voicemail, "failed", None, None, error)


def _find_provider_text(call: Call | None, recording_id: str) -> str:
    return call.transcripts.get(recording_id, "").strip()[:MAX_TRANSCRIPT_CHARACTERS] if call else ""


def _is_pending(voicemail: Voicemail) -> bool:
    return voicemail.transcript_state == "pending"


def _settle(
    voicemail: Voicemail,
    state: TranscriptState,
    text: str | None,
    source: TranscriptSource | None,
    error: str | None = None,
    when: Callable[[Voicemail], bool] = _is_pending,
) -> None:
    def decide(before: Voicemail) -> Decision[Voicemail]:
        if not when(before):
            return None  # another run of the job was faster
        after = next_version(
            before, transcript=text, transcript_source=source, transcript_state=state, transcript_error=error
        )
        told = system_changes.event_write(
            after, "voicemail.transcribed", state=state, characters=len(text or ""), source=source, error=error
        )
        return after, [told, *_digest_writes(after)]

    system_changes.change_voicemail(voicemail, decide)


def _digest_writes(voicemail: Voicemail) -> list[Put]:
    if len((voicemail.transcript or "").strip()) < MIN_TRANSCRIPT_CHARACTERS:
        return []
    return [timers.job_write(SummarizeVoicemail(org_id=voicemail.org_id, voicemail_id=voicemail.id))]


def _forget(job: TranscribeVoicemail) -> None:
    """Deletes what the recognizer keeps: now, or later if it is busy or still writes."""
    try:
        speech.configured_transcriber().forget(_audio(job), _name(job))
    except (RefusedError, ThrottledError) as error:
        telemetry.log_skip(f"the recognizer keeps words: {error}", org_id=job.org_id, voicemail_id=job.voicemail_id)
        if _is_within(job, _FORGET_WITHIN):
            _schedule_look(job)
        else:
            telemetry.emit_metric("TranscriptNotForgotten")


def _audio(job: TranscribeVoicemail) -> AudioSource:
    return AudioSource(_BUCKET, job.audio_key, job.media_type)


def _name(job: TranscribeVoicemail) -> str:
    return f"voicemail-{job.voicemail_id}"
