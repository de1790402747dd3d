"""Requests for transcriptions."""

from __future__ import annotations

from tests.contract.world import Ask
from tests.recordings import recording

GOOD = {
    "transcribeFlowAudio": lambda _: Ask(
        "POST", "/api/flows/ai-transcribe", files={"audio": ("hello.wav", recording("hello_world"), "audio/wav")}
    )
}
