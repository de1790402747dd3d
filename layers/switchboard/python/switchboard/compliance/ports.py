"""The Reassigned Numbers Database (47 CFR 64.1200(m)): whether a number changed hands since its holder consented."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Literal, Protocol

from switchboard.aws import settings
from switchboard.compliance.magic import Outcome, outcome

Answer = Literal["yes", "no", "no_data"]


class NotAnswered(Exception):
    """The database gave no answer: away, too slow, or not configured."""


class ReassignedNumbers(Protocol):
    """Asks the database."""

    def query(self, e164: str, since: date) -> Answer:
        """Whether the number was disconnected for good on or after a date, within 5 s. Raises NotAnswered."""


class SimulatedNumbers:
    """A database on this machine, in which magic numbers were reassigned and all others were not."""

    def query(self, e164: str, since: date) -> Answer:  # noqa: ARG002 the port's signature
        match outcome(e164):
            case Outcome.REASSIGNED:
                return "yes"
            case Outcome.REASSIGNED_NO_DATA:
                return "no_data"
            case Outcome.REASSIGNED_UNAVAILABLE:
                raise NotAnswered("simulated")
        return "no"


class _NotConfigured:
    def query(self, e164: str, since: date) -> Answer:  # noqa: ARG002 the port's signature
        raise NotAnswered("no Reassigned Numbers Database is configured")


_SOURCES: dict[str, Callable[[], ReassignedNumbers]] = {"simulator": SimulatedNumbers, "none": _NotConfigured}


def reassigned_numbers() -> ReassignedNumbers:
    """The database that the setting REASSIGNED_NUMBERS names: `simulator`, or `none` (the default), which refuses."""
    return _SOURCES[settings.text("REASSIGNED_NUMBERS", "none")]()
