"""Writes the digest of a voicemail's transcript: after the transcription, and whenever a member asks for a new one.

A failed attempt is kept in the digest, with its error. The texts of an earlier digest stay beside it.
"""

from __future__ import annotations

from datetime import timedelta

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.aws import reads
from switchboard.aws.writes import commit
from switchboard.calls import lookup
from switchboard.errors import QuotaExceeded
from switchboard.kit import chance, clock, texts
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import Decision
from switchboard.timers import service as timers
from switchboard.usage import service as usage
from switchboard.voicemails import digesters, store, system_changes
from switchboard.voicemails.digesters import RULES, RefusedError, ThrottledError
from switchboard.voicemails.digesters.models import DigestTexts
from switchboard.voicemails.jobs import SummarizeVoicemail
from switchboard.voicemails.models import MIN_TRANSCRIPT_CHARACTERS, Voicemail, VoicemailDigest

#: How long a busy model is asked again, and about how long between two attempts.
_MODEL_LIMIT, _THROTTLE_DELAY = timedelta(minutes=30), timedelta(seconds=40)
#: The most digests that a model writes for an organization in a day (UTC).
MODEL_DIGESTS_PER_DAY = 5_000


def summarize_voicemail(job: SummarizeVoicemail) -> None:
    """Writes the digest of a voicemail. A repeated run finds the digest that was asked for."""
    voicemail = store.VOICEMAILS.get_object(job.org_id, job.voicemail_id)
    if voicemail is None:
        telemetry.log_skip("the voicemail is gone", org_id=job.org_id, voicemail_id=job.voicemail_id)
        return
    text = (voicemail.transcript or "").strip()
    if len(text) < MIN_TRANSCRIPT_CHARACTERS or not _is_awaited(voicemail):
        telemetry.log_skip("no digest is asked for", org_id=job.org_id, voicemail_id=job.voicemail_id)
        return
    call = reads.read_ref(lookup.call_ref(voicemail.org_id, voicemail.call_id))
    # A simulated call must cost nothing.
    digester = digesters.choose_digester(modeled=call is not None and not call.simulated)
    try:
        if digester.name != RULES and not job.tries:
            _count_model_use(voicemail)
        found = digester.digest(text, voicemail.from_e164)
    except ThrottledError as error:
        begun_at = job.begun_at or clock.now_iso()
        if clock.parse(begun_at) + _MODEL_LIMIT > clock.now():
            telemetry.log_skip(f"the digest comes later: {error}", org_id=job.org_id, voicemail_id=job.voicemail_id)
            again = job.model_copy(update={"tries": job.tries + 1, "begun_at": begun_at})
            commit(timers.schedule(again, clock.now() + _THROTTLE_DELAY * chance.between(0.5, 1.5)).write)
            return
        _keep_failure(voicemail, digester.name, "the model is busy")
    except RefusedError as error:
        _keep_failure(voicemail, digester.name, str(error))
    except QuotaExceeded:
        _keep_failure(voicemail, digester.name, "the daily number of digests is used up")
    else:
        _keep(voicemail, digester.name, found)


def _is_awaited(voicemail: Voicemail) -> bool:
    """Whether there is no attempt yet, or none since a member asked for one."""
    digest = voicemail.ai_summary
    if digest is None:
        return True
    return voicemail.summary_requested_at is not None and digest.attempt_count == voicemail.summary_requested_after


def _count_model_use(voicemail: Voicemail) -> None:
    """Counts a use of the model before it costs money. Raises QuotaExceeded at the organization's daily limit."""
    org = organizations.get_organization(voicemail.org_id)
    usage.commit_within([usage.unbilled_charge(org, "model_digests", MODEL_DIGESTS_PER_DAY)])


def _keep(voicemail: Voicemail, made_by: str, found: DigestTexts) -> None:
    def decide(before: Voicemail) -> Decision[Voicemail]:
        if not _is_awaited(before):
            return None  # another run of the job was faster
        attempts = _count_attempts(before) + 1
        digest = VoicemailDigest(
            **found.model_dump(),
            model=made_by,
            prompt_version=digesters.PROMPT_VERSION,
            generated_at=clock.now_iso(),
            attempt_count=attempts,
        )
        after = next_version(before, ai_summary=digest)
        told = system_changes.event_write(
            after, "voicemail.summarized", made_by=texts.to_code(made_by), attempts=attempts, urgency=digest.urgency
        )
        return after, [told]

    system_changes.change_voicemail(voicemail, decide)


def _keep_failure(voicemail: Voicemail, made_by: str, why: str) -> None:
    telemetry.logger().warning("voicemail without a digest", extra={"voicemail_id": voicemail.id, "reason": why})

    def decide(before: Voicemail) -> Decision[Voicemail]:
        if not _is_awaited(before):
            return None  # another run of the job was faster
        attempts = _count_attempts(before) + 1
        kept = before.ai_summary or VoicemailDigest()
        digest = kept.model_copy(update={"generated_at": None, "error": why[:200], "attempt_count": attempts})
        after = next_version(before, ai_summary=digest)
        told = system_changes.event_write(
            after, "voicemail.summary_failed", made_by=texts.to_code(made_by), attempts=attempts
        )
        return after, [told]

    system_changes.change_voicemail(voicemail, decide)


def _count_attempts(voicemail: Voicemail) -> int:
    return voicemail.ai_summary.attempt_count if voicemail.ai_summary else 0
