"""Tells speech from noise: voices have a pitch, and they become loud and soft.

White, pink and brown noise have no pitch. A tone has one, but its loudness stays the same.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

_RATE = 16_000
_FRAME, _STEP = 512, 1_600
#: The lags of pitches from 50 to 400 Hz, in samples.
_LAGS = range(40, 320, 2)
#: Frames below this mean square are silence.
_SILENT = 100
#: A frame is voiced if it repeats itself this exactly, 1 being a perfect repetition.
_REPEATS = 0.6
#: The share of voiced frames in speech is 0.57 or more, in noise 0.3 or less.
_VOICED_SHARE = 0.42
#: The loudness of speech varies by 20 dB and more, that of a tone by less than 1.
_MODULATION_DB = 9.0
_FLOOR = 1.0
#: A voice is where this share of the frames within half a second is voiced.
_NEAR, _NEAR_SHARE = 5, 0.5
#: Consonants before and after a voice have no pitch. They take less than this many frames.
_MARGIN = 4


def cut_to_voice(samples: bytes) -> bytes:
    """Returns 16-bit samples at 16,000 Hz without the noise before and after a voice, empty if no voice is in them.

    The time grows linearly with the number of samples.
    """
    values = array("h", samples[: len(samples) // 2 * 2])
    marks = [_is_periodic(values, at) for at in range(0, len(values) - _FRAME - _LAGS.stop, _STEP)]
    voiced = [at for at in range(len(marks)) if _share(marks[max(0, at - _NEAR) : at + _NEAR + 1]) >= _NEAR_SHARE]
    if not voiced or _share(marks[voiced[0] : voiced[-1] + 1]) < _VOICED_SHARE:
        return b""
    start, end = (voiced[0] - _MARGIN) * _STEP, (voiced[-1] + 1 + _MARGIN) * _STEP
    part = values[max(0, start) : end]
    return part.tobytes() if _modulation_db(part) >= _MODULATION_DB else b""


def _is_periodic(values: Sequence[int], at: int) -> bool | None:
    """Whether a frame repeats itself. `None` for a silent frame."""
    frame = values[at : at + _FRAME + _LAGS.stop]
    return None if _power(frame[:_FRAME]) <= _SILENT else _periodicity(frame) > _REPEATS


def _share(marks: Sequence[bool | None]) -> float:
    loud = [mark for mark in marks if mark is not None]
    return sum(loud) / len(loud) if loud else 0.0


def _power(frame: Sequence[int]) -> float:
    return sum(value * value for value in frame) / len(frame)


def _periodicity(frame: Sequence[int]) -> float:
    """How exactly a frame repeats itself after its best lag, from 0 to 1."""
    mine = sum(value * value for value in frame[:_FRAME:2])
    return max(_likeness(frame, mine, lag) for lag in _LAGS)


def _likeness(frame: Sequence[int], mine: int, lag: int) -> float:
    shifted = frame[lag : lag + _FRAME : 2]
    other = sum(value * value for value in shifted)
    both = sum(one * two for one, two in zip(frame[:_FRAME:2], shifted, strict=True))
    return both / (math.sqrt(mine * other) + _FLOOR)


def _modulation_db(values: Sequence[int]) -> float:
    """The difference between the loud and the soft moments, in decibels."""
    size = _RATE // 50
    levels = sorted(
        10 * math.log10(_power(values[at : at + size]) + _FLOOR) for at in range(0, len(values) - size, size)
    )
    return levels[int(len(levels) * 0.9)] - levels[int(len(levels) * 0.1)] if levels else 0.0
