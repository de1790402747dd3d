"""Recordings of speech and of noise, in every format that people send."""

from __future__ import annotations

import io
import math
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import av

RATE = 16_000
_FOLDER = Path(__file__).parent
#: For each format: its container, its codec, and the media type of its bytes.
FORMATS = {
    "wav": ("wav", "pcm_s16le", "audio/wav"),
    "mulaw": ("wav", "pcm_mulaw", "audio/wav"),
    "mp3": ("mp3", "libmp3lame", "audio/mpeg"),
    "m4a": ("mp4", "aac", "audio/mp4"),
    "opus": ("ogg", "libopus", "audio/ogg"),
    "webm": ("webm", "libopus", "audio/webm"),
    "flac": ("flac", "flac", "audio/flac"),
    "oggflac": ("ogg", "flac", "audio/ogg"),
    "vorbis": ("ogg", "vorbis", "audio/ogg"),
    "webmvorbis": ("webm", "vorbis", "audio/webm"),
}


def recording(name: str) -> bytes:
    """A WAV of this folder."""
    return (_FOLDER / f"{name}.wav").read_bytes()


def encode(wav: bytes, form: str, *, rate: int = 0, live: bool = False) -> bytes:
    """The same sound in another format. `live` writes it as a browser does: without its length at the beginning."""
    container, codec, _ = FORMATS[form]
    options = {"movflags": "frag_keyframe+empty_moov", "frag_duration": "500000"} if live and form == "m4a" else {}
    options |= {"live": "1"} if live and form == "webm" else {}
    target = io.BytesIO()
    with av.open(io.BytesIO(wav)) as source, av.open(target, "w", format=container, options=options) as written:
        stream = written.add_stream(codec, rate=rate or (8_000 if form == "mulaw" else 48_000))
        stream.layout = "mono"
        if codec == "vorbis":
            # FFmpeg's own encoder has two channels, and is experimental.
            stream.layout = "stereo"
            stream.options = {"strict": "-2"}
        resampler = (
            av.AudioResampler(format="fltp", layout=stream.layout, rate=stream.rate) if codec == "vorbis" else None
        )
        for frame in source.decode(audio=0):
            for part in resampler.resample(frame) if resampler else [frame]:
                written.mux(stream.encode(part))
        written.mux(stream.encode(None))
    return target.getvalue()


def wav_of(samples: Iterator[float]) -> bytes:
    """A WAV of these samples."""
    data = b"".join(struct.pack("<h", max(-32_768, min(32_767, int(sample)))) for sample in samples)
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, RATE * 2, 2, 16) + struct.pack("<4sI", b"data", len(data))
    return struct.pack("<4sI4s", b"RIFF", 4 + len(head) + len(data), b"WAVE") + head + data


def _white(chance: random.Random, loudness: float, count: int) -> Iterator[float]:
    return (chance.gauss(0, loudness) for _ in range(count))


def _brown(chance: random.Random, loudness: float, count: int) -> Iterator[float]:
    level = 0.0
    for _ in range(count):
        level = 0.98 * level + chance.gauss(0, loudness * 0.2)
        yield level


def _bursts(chance: random.Random, loudness: float, count: int) -> Iterator[float]:
    return (chance.gauss(0, loudness if at // 3_200 % 3 == 0 else 20) for at in range(count))


def _swelling(chance: random.Random, loudness: float, count: int) -> Iterator[float]:
    return (chance.gauss(0, loudness) * (1 + math.sin(math.tau * 4 * at / RATE)) / 2 for at in range(count))


def _tone(chance: random.Random, loudness: float, count: int) -> Iterator[float]:
    pitch = chance.uniform(60, 3_000)
    return (loudness * math.sin(math.tau * pitch * at / RATE) for at in range(count))


def _hum(chance: random.Random, loudness: float, count: int) -> Iterator[float]:
    del chance
    return (loudness * sum(math.sin(math.tau * 60 * k * at / RATE) / k for k in range(1, 9)) for at in range(count))


#: Sounds without speech, of a loudness and a number of samples.
NOISES: dict[str, Callable[[random.Random, float, int], Iterator[float]]] = {
    "white": _white,
    "brown": _brown,
    "bursts": _bursts,
    "swelling": _swelling,
    "tone": _tone,
    "hum": _hum,
}
