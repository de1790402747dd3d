"""The voicemails of calls in which the caller left a message, and their audio."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from infra.local import aws
from infra.local.crowd.people import Author
from switchboard.aws import objects
from switchboard.calls import messages
from switchboard.calls.bulk import BulkCall
from switchboard.calls.models import Call, CallRecording
from switchboard.calls.recordings import BUCKET
from switchboard.carriers.voice.simulator import speech_audio
from switchboard.kit import clock, ids
from switchboard.voicemails import creation, digesters
from switchboard.voicemails.bulk import BulkVoicemail
from switchboard.voicemails.models import ActivityKind, VoicemailActivity, VoicemailDigest, VoicemailViewer

#: Older messages are heard, and of the newer ones every second.
_HEARD_AFTER = timedelta(days=3)
_HEARD_WITHIN = timedelta(hours=5)
_THREADS = 4


def make_voicemails(calls: Iterable[Call], author: Author) -> Iterator[BulkVoicemail]:
    """The voicemails of calls. The author has heard most of them."""
    digester, latest = digesters.choose_digester(modeled=False), clock.format_iso(clock.now() - _HEARD_AFTER)
    for place, (call, message) in enumerate(_messages(calls)):
        at = call.ended_at or call.updated_at
        voicemail = creation.new_voicemail(call, message, at)
        texts = digester.digest(voicemail.transcript or "", voicemail.from_e164)
        digest = VoicemailDigest(
            **texts.model_dump(),
            model=digesters.RULES,
            prompt_version=digesters.PROMPT_VERSION,
            generated_at=at,
            attempt_count=1,
        )
        voicemail = voicemail.model_copy(update={"ai_summary": digest, "version": 2})
        if at > latest and place % 2:
            yield BulkVoicemail(voicemail)
            continue
        opened = clock.format_iso(min(clock.parse(at) + _HEARD_WITHIN, clock.now()))
        moment = int(clock.parse(opened).timestamp() * 1_000)
        timeline = [
            VoicemailActivity(
                id=ids.derive_id("vma", moment, voicemail.id, kind.value),
                kind=kind,
                actor_id=author[0],
                actor_name=author[1],
                at=opened,
            )
            for kind in (ActivityKind.VIEW, ActivityKind.HEARD)
        ]
        viewers = [VoicemailViewer(user_id=author[0], name=author[1], viewed_at=opened)]
        heard = {"is_heard": True, "viewers": viewers, "updated_at": opened, "version": 4}
        yield BulkVoicemail(voicemail.model_copy(update=heard), timeline)


def _messages(calls: Iterable[Call]) -> Iterator[tuple[Call, CallRecording]]:
    for call in calls:
        for recording in call.recordings:
            if message := messages.find_message(call, recording.id):
                yield call, message


def store_audio(calls: Iterable[BulkCall]) -> int:
    """Store the same short audio for each message. Returns how many."""
    content = speech_audio.speak("Call me.")
    client, bucket = aws.engine_client(os.environ, "s3"), objects.bucket_name(BUCKET)

    def put(key: str) -> None:
        client.put_object(Bucket=bucket, Key=key, Body=content, ContentType="audio/wav")

    with ThreadPoolExecutor(_THREADS) as pool:
        keys = (message.key or "" for _, message in _messages(one.call for one in calls))
        return sum(1 for _ in pool.map(put, keys))
