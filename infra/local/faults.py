"""Logs the faults of background work once, and not at every retry."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NotReached

logger = logging.getLogger("pumps")

#: The watch of an engine reports its end, and the engine is back long before this.
_ENGINE_MAY_BE_AWAY_SECONDS = 20
_AGAIN_AFTER_SECONDS = 60
_SHORTEST, _LONGEST = 0.25, 2.0


def is_away(error: BaseException) -> bool:
    """Whether an error means only that an engine did not respond."""
    return isinstance(error, NotReached | HTTPClientError)


@dataclass
class _Kind:
    told: float
    untold: int = 0


class FaultLog:
    """The faults of all pumps."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kinds: dict[str, _Kind] = {}
        self._away_since: float | None = None
        self._in_a_row: dict[str, int] = {}

    def note_fault(self, name: str, error: Exception) -> float:
        """Log a fault of a function, unless the same fault was logged recently. Returns how many seconds to wait."""
        self._in_a_row[name] = self._in_a_row.get(name, 0) + 1
        if is_away(error):
            self._away_since = self._away_since if self._away_since is not None else self._now()
            if self._now() - self._away_since > _ENGINE_MAY_BE_AWAY_SECONDS:
                self._log_once("engine", "an engine does not respond: %s", error)
        elif isinstance(error, ClientError) and error.response["Error"]["Code"] == "ServiceUnavailable":
            self._log_once("disk", "the AWS engine cannot write: %s", error)
        elif not isinstance(error, BrokenProcessPool):  # the pool itself reports a dead process
            self._log_once(f"{name} {type(error).__name__}", f"{name}: {type(error).__name__}: %s", error)
        return float(min(_LONGEST, _SHORTEST * 2 ** min(self._in_a_row[name], 8)))

    def note_success(self, name: str) -> None:
        """Note that a step of a function succeeded."""
        self._in_a_row.pop(name, None)
        self._away_since = None

    def _log_once(self, key: str, text: str, error: Exception) -> None:
        kind = self._kinds.get(key)
        if kind and self._now() - kind.told < _AGAIN_AFTER_SECONDS:
            kind.untold += 1
            return
        more = f" ({kind.untold} more of this kind since the last line)" if kind and kind.untold else ""
        logger.warning(f"{text}%s", error, more)  # noqa: G004 the text is a template
        self._kinds[key] = _Kind(self._now())
