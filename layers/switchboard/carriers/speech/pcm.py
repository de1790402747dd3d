"""Decodes audio into samples, for recognizers on this machine."""

from __future__ import annotations

import io

import av
from av.error import FFmpegError

from switchboard.carriers.speech import UnreadableAudioError

#: Samples a second, and bytes a sample: what speech recognizers expect.
RATE, SAMPLE_BYTES = 16_000, 2
#: An hour and a half. Compressed silence may be very long.
_MAX_SAMPLES = 90 * 60 * RATE


def decode_audio(content: bytes) -> bytes:
    """Returns the first audio track as 16-bit samples of one channel, at most 90 minutes of it.

    Raises UnreadableAudioError if there is no track, or no sound in it.
    """
    samples = bytearray()
    try:
        with av.open(io.BytesIO(content), "r") as container:
            if not container.streams.audio:
                raise UnreadableAudioError("there is no audio track")
            resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
            for frame in container.decode(container.streams.audio[0]):
                for part in resampler.resample(frame):
                    samples += bytes(part.planes[0])[: part.samples * SAMPLE_BYTES]
                if len(samples) > _MAX_SAMPLES * SAMPLE_BYTES:
                    break
    except (FFmpegError, ValueError) as error:
        # A recording that was cut off still has its beginning.
        if not samples:
            raise UnreadableAudioError(type(error).__name__) from error
    if not samples:
        raise UnreadableAudioError("there is no sound")
    return bytes(samples)
