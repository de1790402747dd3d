"""The length of audio is read from its structure, and nothing that a stranger sends does harm."""

from __future__ import annotations

import io
from contextlib import suppress

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.carriers.speech import UnreadableAudioError
from switchboard.carriers.speech.durations import MEDIA_TYPES, measure_seconds
from tests.recordings import FORMATS, encode, recording
from tests.unit.properties import example_settings

SAMPLES = {form: encode(recording("counting"), form) for form in FORMATS}
LIVE = {form: encode(recording("counting"), form, live=True) for form in ("m4a", "webm", "opus", "wav")}


#: A page with the first packet of Opus.
OPUS_HEAD = b"OggS" + bytes(22) + b"\x01\x13OpusHead\x01\x01" + bytes(9)


def decoded_seconds(content: bytes) -> float:
    with av.open(io.BytesIO(content)) as source:
        return sum(frame.samples / frame.sample_rate for frame in source.decode(audio=0))


@pytest.mark.parametrize("form", SAMPLES)
def test_it_is_as_long_as_its_samples(form: str) -> None:
    found = measure_seconds(FORMATS[form][2], SAMPLES[form])
    assert found == pytest.approx(decoded_seconds(SAMPLES[form]), abs=0.1)


@pytest.mark.parametrize("form", LIVE)
def test_so_it_is_when_a_browser_wrote_it_while_it_was_recorded(form: str) -> None:
    found = measure_seconds(FORMATS[form][2], LIVE[form])
    assert found == pytest.approx(2.99, abs=0.1)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100])
def test_every_version_of_mpeg_has_its_own_frames(rate: int) -> None:
    content = encode(recording("counting"), "mp3", rate=rate)
    # An encoder adds two frames or more, and the lowest rate has the longest frames.
    assert measure_seconds("audio/mpeg", content) == pytest.approx(2.99, abs=0.3)


def test_a_wav_whose_size_was_never_written_ends_where_its_bytes_end() -> None:
    wav = recording("hello_world")
    at = wav.index(b"data") + 4
    whole = measure_seconds("audio/wav", wav)
    assert measure_seconds("audio/wav", wav[:at] + b"\xff\xff\xff\xff" + wav[at + 4 :]) == pytest.approx(whole)
    assert measure_seconds("audio/wav", wav[: len(wav) // 2]) == pytest.approx(whole / 2, abs=0.01)


@pytest.mark.parametrize("media_type", sorted(MEDIA_TYPES))
@pytest.mark.parametrize("content", [b"", b"RIFF", b"no audio" * 50, bytes(500), b"\xff" * 500])
def test_what_is_no_audio_is_said_to_be_so(media_type: str, content: bytes) -> None:
    with pytest.raises(UnreadableAudioError):
        measure_seconds(media_type, content)


@example_settings(300)
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_damaged_audio_is_measured_or_refused(form: str, data: st.DataObject) -> None:
    content = bytearray(SAMPLES[form][: data.draw(st.integers(0, len(SAMPLES[form])))])
    for at in data.draw(st.lists(st.integers(0, 400), max_size=8)):
        if at < len(content):
            content[at] = data.draw(st.integers(0, 255))
    with suppress(UnreadableAudioError):
        assert measure_seconds(FORMATS[form][2], bytes(content)) > 0


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        ("audio/mp4", b"\x00\x00\x00\x08free" * 500_000),
        ("audio/webm", b"\x1a\x45\xdf\xa3\x80" + b"\xec\x80" * 2_000_000),
        ("audio/ogg", (b"OggS" + bytes(23)) * 150_000),
        ("audio/wav", b"RIFF\0\0\0\0WAVE" + b"LIST\0\0\0\0" * 500_000),
        ("audio/mp4", b"\x00\x00\x00\x08moov" * 500_000),
        ("audio/flac", encode(recording("counting"), "flac")[:42] + b"\xff\xf8\x09\x08" * 1_000_000),
        ("audio/ogg", OPUS_HEAD + (b"OggS" + bytes(22) + b"\xff" + b"\x01" * 255 + b"\xf8" * 255) * 7_000),
    ],
    ids=["boxes", "elements", "pages", "chunks", "parents", "frames", "packets"],
)
def test_four_megabytes_of_tiny_parts_are_refused(media_type: str, content: bytes) -> None:
    with pytest.raises(UnreadableAudioError):
        measure_seconds(media_type, content)
