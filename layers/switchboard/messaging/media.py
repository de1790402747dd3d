"""Copies the files of texts that came in into our bucket.

A file is written before its text names it, so a worker that is killed in between writes the same file again. A text
keeps its files also if they cannot be fetched: then each says why.
"""

from __future__ import annotations

from datetime import timedelta

from switchboard import telemetry
from switchboard.aws import objects
from switchboard.carriers.messages.media import fetch_file
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError
from switchboard.kit import clock
from switchboard.messaging import store, text_events
from switchboard.messaging.jobs import FetchTextMedia
from switchboard.messaging.media_links import BUCKET
from switchboard.messaging.models import TextMedia, TextMessage
from switchboard.persistence import optimistic
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import Decision
from switchboard.timers import service as timers

#: The first and the longest pause between two attempts. Ten attempts take about eight hours.
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=2)
MAX_ATTEMPTS = 10


def fetch_text_media(job: FetchTextMedia) -> None:
    """Stores the files of a text that are not stored yet, and tries again later with those that fail."""
    message = store.get_message(job.org_id, job.conversation_id, job.message_id)
    wanted = [number for number, one in enumerate(message.media) if one.carrier_url] if message else []
    if message is None or not wanted:
        telemetry.log_skip("the files are stored or gone", org_id=job.org_id, message_id=job.message_id)
        return
    is_last = job.attempts + 1 >= MAX_ATTEMPTS
    done = {number: _fetch(message, number, is_last=is_last) for number in wanted}
    _record(message, {number: one for number, one in done.items() if one}, _next_job(job, done))


def _next_job(job: FetchTextMedia, done: dict[int, TextMedia | None]) -> FetchTextMedia | None:
    """Returns the job of the next attempt, `None` if every file has its end."""
    return None if all(done.values()) else job.model_copy(update={"attempts": job.attempts + 1})


def _fetch(message: TextMessage, number: int, *, is_last: bool) -> TextMedia | None:
    """Returns a stored or lost file, `None` for one that is fetched later."""
    known = message.media[number]
    try:
        found = fetch_file(known.carrier_url or "", known.content_type)
    except RefusedError as refused:
        return _lost(message, known, str(refused))
    except OutcomeUnknownError as unknown:
        return _lost(message, known, f"not fetched: {unknown}") if is_last else None
    key = f"{message.org_id}/texts/{message.conversation_id}/{message.id}/{number}"
    objects.put_object(BUCKET, key, found.content, found.media_type)
    return TextMedia(key=key, content_type=found.media_type, size_bytes=len(found.content))


def _lost(message: TextMessage, known: TextMedia, reason: str) -> TextMedia:
    telemetry.emit_metric("TextMediaLost")
    telemetry.logger().warning("file of a text lost", extra={"message_id": message.id, "reason": reason})
    return TextMedia(content_type=known.content_type, error=reason)


def _record(message: TextMessage, done: dict[int, TextMedia], again: FetchTextMedia | None) -> None:
    """Records the files that have their end, with the job of the others."""

    def decide(before: TextMessage) -> Decision[TextMessage]:
        # Another run may have recorded some of them.
        fresh = {number: one for number, one in done.items() if before.media[number].carrier_url}
        if not fresh and again is None:
            return None
        media = [fresh.get(number, one) for number, one in enumerate(before.media)]
        after = next_version(before, media=media)
        stored = sum(1 for one in fresh.values() if one.key)
        told = text_events.media_event_write(after, stored=stored, lost=len(fresh) - stored) if fresh else None
        return after, [told, timers.schedule(again, clock.now() + _pause(again)).write if again else None]

    optimistic.change_object(
        lambda: store.get_message(message.org_id, message.conversation_id, message.id), decide, store.save_message_write
    )


def _pause(job: FetchTextMedia) -> timedelta:
    return min(_FIRST_PAUSE * (1 << job.attempts - 1), _LONGEST_PAUSE)
