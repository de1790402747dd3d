"""What the gate asks of the world.

The Reassigned Numbers Database (47 CFR 64.1200(m)) knows whether a number changed hands since its holder consented,
the national do-not-call registry (47 CFR 64.1200(c)(2), 16 CFR 310.4(b)(1)(iii)(B)) whose holders want to be sold
nothing by telephone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from switchboard.aws import settings
from switchboard.compliance.magic import Outcome, outcome

Answer = Literal["yes", "no", "no_data"]


class NotAnswered(Exception):
    """There is no answer: the source is away, too slow, out of date or not configured."""


class Registered(NamedTuple):
    """Whether a number is on the national registry, and of which day the list is."""

    on_list: bool
    as_of: date


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


class NationalRegistry(Protocol):
    """Asks the national do-not-call registry of the United States."""

    def query(self, e164: str, now: datetime) -> Registered:
        """Whether a number is registered, by a list that is fresh now. Raises NotAnswered."""


class SimulatedRegistry:
    """A registry on this machine, which has the magic number and no other."""

    def query(self, e164: str, now: datetime) -> Registered:
        return Registered(outcome(e164) is Outcome.NATIONAL_DNC, now.date())


class _NoRegistry:
    def query(self, e164: str, now: datetime) -> Registered:  # noqa: ARG002 the port's signature
        raise NotAnswered("not_configured")


def _of_files() -> NationalRegistry:
    from switchboard.compliance import registry  # few deployments have it: not at every cold start

    return registry.FileRegistry(Path(settings.text("NATIONAL_REGISTRY_FOLDER")))


_REGISTRIES: dict[str, Callable[[], NationalRegistry]] = {
    "simulator": SimulatedRegistry,
    "none": _NoRegistry,
    "files": _of_files,
}


def national_registry() -> NationalRegistry:
    """The registry that the setting NATIONAL_REGISTRY names: `none` (the default), which refuses, `simulator`, `files`.

    The files are in the folder that NATIONAL_REGISTRY_FOLDER names.
    """
    return _REGISTRIES[settings.text("NATIONAL_REGISTRY", "none")]()
