"""HUM: `/api/flows/ai-transcribe`: the text of a short sample of audio."""

from __future__ import annotations

from functions.hum.transcription.schemas import TranscriptionView
from switchboard.carriers.speech.durations import MEDIA_TYPES
from switchboard.dialects.hum.dialect import Hum
from switchboard.edge.api import Api
from switchboard.edge.multipart import MultipartBody
from switchboard.flows import transcription
from switchboard.team.permissions import Permission

api = Api(Hum(), "transcription", tags={"Flows": "Agents for calls, with their texts and voices."})


@api.post(
    "/api/flows/ai-transcribe",
    summary="Transcribe a sample of audio",
    operation_id="transcribeFlowAudio",
    description="Returns what is said in a short recording, for example as a text of a flow. Send one file in the"
    " field `audio`: MP3, M4A, WAV, FLAC, Ogg or WebM, of at most 4 MB and 60 seconds. The file's bytes decide its"
    " type. Silence and noise return an empty text. The recording is deleted after the response. An organization can"
    " transcribe 200 samples a day (UTC), and 4 on the free plan. If the response is 503 `transcription_running`, send"
    " the same file again after `Retry-After`: the transcription goes on.\n\n"
    "```\ncurl $URL/api/flows/ai-transcribe -b bh_hum_session=$SESSION -F audio=@greeting.wav\n```",
    permission=Permission.FLOWS_WRITE,
    responses={
        400: "`unsupported_audio`: another type. `unreadable_audio`: the audio is damaged or contains no sound."
        " `audio_too_long`: it takes more than 60 seconds.",
        402: "`daily_cap`: the organization's samples of today are used.",
        503: "`transcription_running`: send the same file again after `Retry-After`.",
    },
    body=MultipartBody(field="audio", types=MEDIA_TYPES, to="uploads", only_file=True, unsupported="unsupported_audio"),
)
def transcribe_audio() -> TranscriptionView:
    return TranscriptionView.of(transcription.transcribe_sample(api.member, api.upload))


handler = api.handler
