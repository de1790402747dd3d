"""The recognizer of the local stack hears what is said, and nothing in silence and noise."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.carriers.speech import UnreadableAudioError
from switchboard.carriers.speech.pcm import decode_audio
from switchboard.carriers.speech.sphinx import recognize_speech
from tests.recordings import FORMATS, NOISES, RATE, encode, recording, wav_of
from tests.settings import THOROUGH
from tests.unit.properties import example_settings

COUNTED = "one two three four five six seven eight nine ten"


@pytest.mark.parametrize("form", FORMATS if THOROUGH else ["mulaw", "webm"])
def test_it_hears_the_words_in_every_format(form: str) -> None:
    found = recognize_speech(encode(recording("hello_world"), form))
    # A telephone's band has no high tones, so that the first word is lost there.
    assert found.text == ("the world" if form == "mulaw" else "hello world")
    assert found.language == "en-US"
    assert found.duration_sec == pytest.approx(1.14, abs=0.15)


def test_it_hears_each_word() -> None:
    found = recognize_speech(recording("counting"))
    assert len(set(found.text.split()) & set(COUNTED.split())) >= 8, found
    assert found.duration_sec == pytest.approx(2.99, abs=0.15)


def test_the_same_recording_gives_the_same_text_whatever_came_before() -> None:
    first = recognize_speech(recording("hello_world"))
    assert first.text == "hello world"
    recognize_speech(recording("counting"))
    assert recognize_speech(recording("hello_world")) == first


def test_words_are_heard_between_silence_and_noise() -> None:
    chance = random.Random(3)
    spoken = decode_audio(recording("counting"))
    noise = wav_of(NOISES["white"](chance, 2_000, RATE))[44:]
    pause = bytes(RATE * 2)
    samples = noise + pause + spoken + pause + noise
    whole = wav_of(
        float(int.from_bytes(samples[at : at + 2], "little", signed=True)) for at in range(0, len(samples), 2)
    )
    assert "two three four five six seven eight nine" in recognize_speech(whole).text


@example_settings(25)
@given(st.sampled_from(sorted(NOISES)), st.integers(0, 9_000), st.floats(0.1, 3), st.integers())
def test_silence_and_noise_have_no_text(name: str, loudness: int, seconds: float, seed: int) -> None:
    wav = wav_of(NOISES[name](random.Random(seed), loudness, int(seconds * RATE)))
    assert recognize_speech(wav).text == ""


@pytest.mark.parametrize("content", [b"", b"no audio at all" * 100, recording("counting")[:40]])
def test_what_is_no_audio_is_said_to_be_so(content: bytes) -> None:
    with pytest.raises(UnreadableAudioError):
        recognize_speech(content)
