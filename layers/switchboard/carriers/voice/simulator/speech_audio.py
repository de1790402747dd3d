"""Makes the audio of a simulated voice: WAV that sounds like speech without words, the same for the same text.

Each letter is a short tone with overtones. Its pitch follows the letter, and words have pauses between them.
"""

from __future__ import annotations

import array
import io
import math
import sys
import wave

SAMPLE_RATE = 8_000
#: The length of a letter and of a pause between words, in seconds.
_LETTER_SECONDS, _PAUSE_SECONDS = 0.055, 0.09
_BASE_HERTZ, _STEP_HERTZ = 110.0, 6.0
#: Two overtones in the range of vowels, with their strength.
_OVERTONES = ((1.0, 0.6), (4.0, 0.25), (9.0, 0.15))
_LOUDNESS = 9_000
#: The longest text that is spoken: about four minutes.
_MAX_CHARACTERS = 4_000


def speak(text: str) -> bytes:
    """Returns a text as a WAV file: one channel, 8,000 samples of 16 bits a second."""
    samples = array.array("h")
    for letter in text[:_MAX_CHARACTERS]:
        samples.extend(_tone(letter) if letter.isalnum() else [0] * int(_PAUSE_SECONDS * SAMPLE_RATE))
    if not samples:
        samples.extend([0] * SAMPLE_RATE)
    if sys.byteorder == "big":
        samples.byteswap()
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(SAMPLE_RATE)
        written.writeframes(samples.tobytes())
    return file.getvalue()


def speech_seconds(text: str) -> int:
    """Returns the length of a spoken text, in whole seconds, at least 1."""
    letters = sum(letter.isalnum() for letter in text[:_MAX_CHARACTERS])
    pauses = min(len(text), _MAX_CHARACTERS) - letters
    return max(1, round(letters * _LETTER_SECONDS + pauses * _PAUSE_SECONDS))


def _tone(letter: str) -> list[int]:
    count = int(_LETTER_SECONDS * SAMPLE_RATE)
    hertz = _BASE_HERTZ + _STEP_HERTZ * (ord(letter.lower()) % 26)
    return [
        int(
            _LOUDNESS
            * math.sin(math.pi * place / count)
            * sum(
                strength * math.sin(2 * math.pi * hertz * times * place / SAMPLE_RATE) for times, strength in _OVERTONES
            )
        )
        for place in range(count)
    ]
