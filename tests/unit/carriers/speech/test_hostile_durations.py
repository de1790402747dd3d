"""Audio that claims to be shorter than it sounds is measured by its sound, or refused."""

from __future__ import annotations

import io
import struct
from typing import Any

import av
import pytest

from switchboard.carriers.speech import UnreadableAudioError
from switchboard.carriers.speech.containers import _CLUSTER_TIME, _DURATION, _SIMPLE_BLOCK, _elements
from switchboard.carriers.speech.durations import measure_seconds
from tests.recordings import FORMATS, encode, recording, wav_of

WAV = recording("counting")
SECONDS = 2.99


def pages_with_position(content: bytes, position: int) -> bytes:
    """Returns an Ogg whose pages all claim to end at one position."""
    changed, at = bytearray(content), content.find(b"OggS")
    while at != -1:
        struct.pack_into("<q", changed, at + 6, position)
        at = content.find(b"OggS", at + 1)
    return bytes(changed)


def with_two_tracks(form: str) -> bytes:
    container, codec, _ = FORMATS[form]
    target = io.BytesIO()
    with av.open(target, "w", format=container) as written:
        streams: list[Any] = [written.add_stream(codec, rate=48_000, layout="mono") for _ in range(2)]
        for stream in streams:
            source: Any
            with av.open(io.BytesIO(WAV)) as source:
                for frame in source.decode(audio=0):
                    written.mux(stream.encode(frame))
            written.mux(stream.encode(None))
    return target.getvalue()


@pytest.mark.parametrize("form", ["opus", "vorbis", "oggflac"])
def test_an_ogg_has_one_stream(form: str) -> None:
    once = encode(WAV, form)
    with pytest.raises(UnreadableAudioError):
        measure_seconds("audio/ogg", once + once)


@pytest.mark.parametrize("form", ["opus", "oggflac"])
def test_an_ogg_is_as_long_as_its_packets(form: str) -> None:
    forged = pages_with_position(encode(WAV, form), 480)
    assert measure_seconds("audio/ogg", forged) == pytest.approx(SECONDS, abs=0.1)


def test_vorbis_with_too_many_packets_for_its_length_is_refused() -> None:
    long = wav_of(iter([0.0] * 16_000 * 20))
    assert measure_seconds("audio/ogg", encode(long, "vorbis")) == pytest.approx(20, abs=0.1)
    with pytest.raises(UnreadableAudioError):
        measure_seconds("audio/ogg", pages_with_position(encode(long, "vorbis"), 480))


def test_a_wav_is_as_long_as_its_samples() -> None:
    at = WAV.index(b"fmt ") + 8
    whole = measure_seconds("audio/wav", WAV)
    faster = WAV[: at + 8] + struct.pack("<I", 100_000_000) + WAV[at + 12 :]
    assert measure_seconds("audio/wav", faster) == whole
    size_at = WAV.index(b"data") + 4
    assert measure_seconds("audio/wav", WAV[:size_at] + bytes(4) + WAV[size_at + 4 :]) == pytest.approx(whole, abs=0.01)
    half = WAV[size_at + 4 :]
    twice = WAV + b"data" + struct.pack("<I", len(half)) + half
    assert measure_seconds("audio/wav", twice) == pytest.approx(2 * whole, abs=0.01)


@pytest.mark.parametrize("tag", [0x02, 0x11, 0x31, 0x55, 0xFFFE])
def test_a_wav_with_packed_samples_is_refused(tag: int) -> None:
    at = WAV.index(b"fmt ") + 8
    with pytest.raises(UnreadableAudioError):
        measure_seconds("audio/wav", WAV[:at] + struct.pack("<H", tag) + WAV[at + 2 :])


def test_a_flac_is_as_long_as_its_frames() -> None:
    flac = encode(WAV, "flac")
    packed = int.from_bytes(flac[18:26], "big")
    for stated in (0, 1):
        head = (packed & ~((1 << 36) - 1) | stated).to_bytes(8, "big")
        assert measure_seconds("audio/flac", flac[:18] + head + flac[26:]) == pytest.approx(SECONDS, abs=0.1)


def test_an_mp3_with_more_sound_after_other_bytes_is_refused() -> None:
    mp3 = encode(wav_of(iter([0.0] * 16_000 * 10)), "mp3")
    assert measure_seconds("audio/mpeg", mp3 + b"TAG" + bytes(125)) == pytest.approx(10, abs=0.1)
    with pytest.raises(UnreadableAudioError):
        measure_seconds("audio/mpeg", mp3 + b"x" + mp3)


def test_an_mp4_is_as_long_as_its_packets() -> None:
    mp4 = encode(WAV, "m4a")
    at = mp4.index(b"mvhd") + 4 + 16
    assert measure_seconds("audio/mp4", mp4[:at] + struct.pack(">I", 1) + mp4[at + 4 :]) == pytest.approx(
        SECONDS, abs=0.2
    )
    live = encode(WAV, "m4a", live=True)
    at = live.index(b"mdhd") + 4 + 12
    slower = live[:at] + struct.pack(">I", 1_000_000_000) + live[at + 4 :]
    assert measure_seconds("audio/mp4", slower) == pytest.approx(SECONDS, abs=0.2)


@pytest.mark.parametrize("form", ["webm", "webmvorbis"])
def test_a_webm_is_not_shorter_than_its_packets(form: str) -> None:
    content = bytearray(encode(wav_of(iter([0.0] * 16_000 * 20)), form, live=True))
    at = 0
    for name, body in list(_elements(bytes(content))):
        at = content.index(body, at)
        if name == _SIMPLE_BLOCK:
            content[at + 1 : at + 3] = b"\0\1"
        elif name in (_CLUSTER_TIME, _DURATION):
            content[at : at + len(body)] = bytes(len(body))
        at += len(body)
    if form == "webm":
        assert measure_seconds("audio/webm", bytes(content)) == pytest.approx(20, abs=0.1)
    else:
        with pytest.raises(UnreadableAudioError):
            measure_seconds("audio/webm", bytes(content))


@pytest.mark.parametrize("form", ["m4a", "webm"])
def test_a_file_has_one_track(form: str) -> None:
    with pytest.raises(UnreadableAudioError):
        measure_seconds(FORMATS[form][2], with_two_tracks(form))


def test_a_webm_with_sound_behind_a_damaged_element_is_refused() -> None:
    webm = encode(WAV, "webm", live=True)
    at = webm.rindex(b"\x1f\x43\xb6\x75")
    with pytest.raises(UnreadableAudioError):
        measure_seconds("audio/webm", webm[:at] + b"\xec\x08\xff\xff\xff\xff" + webm[at:])
