"""The external sources that the compliance gate queries.

The Reassigned Numbers Database (47 CFR 64.1200(m)) knows whether a number was reassigned after its holder consented.
The national do-not-call registry (47 CFR 64.1200(c)(2), 16 CFR 310.4(b)(1)(iii)(B)) lists the numbers of people who
do not want telemarketing calls.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from switchboard.carriers.magic_numbers import MAGIC_NUMBERS, MagicOutcome
from switchboard.kit import settings

ReassignedAnswer = Literal["yes", "no", "no_data"]


class NoAnswerError(Exception):
    """The source gave no answer: it is down, too slow, out of date or not configured."""


class RegistryAnswer(NamedTuple):
    """Whether a number is on the national registry, and the date of the list."""

    on_list: bool
    as_of: date


class ReassignedNumbers(Protocol):
    """Queries the Reassigned Numbers Database."""

    def query_number(self, e164: str, since: date) -> ReassignedAnswer:
        """Returns whether the number was permanently disconnected on or after a date.

        Takes 5 seconds at most. Raises NoAnswerError.
        """


class SimulatedReassignedNumbers:
    """A local database for tests: some magic numbers are reassigned, and no other number is."""

    def query_number(self, e164: str, since: date) -> ReassignedAnswer:  # noqa: ARG002 the port's signature
        match MAGIC_NUMBERS.get(e164):
            case MagicOutcome.REASSIGNED:
                return "yes"
            case MagicOutcome.REASSIGNED_NO_DATA:
                return "no_data"
            case MagicOutcome.REASSIGNED_UNAVAILABLE:
                raise NoAnswerError("simulated")
        return "no"


class _NotConfigured:
    def query_number(self, e164: str, since: date) -> ReassignedAnswer:  # noqa: ARG002 the port's signature
        raise NoAnswerError("no Reassigned Numbers Database is configured")


_SOURCES: dict[str, Callable[[], ReassignedNumbers]] = {"simulator": SimulatedReassignedNumbers, "none": _NotConfigured}


def get_reassigned_numbers() -> ReassignedNumbers:
    """Returns the database that the setting REASSIGNED_NUMBERS names: `simulator`, or `none` (default).

    `none` never answers, so the gate refuses the numbers.
    """
    return _SOURCES[settings.text("REASSIGNED_NUMBERS", "none")]()


class NationalRegistry(Protocol):
    """Queries the national do-not-call registry of the United States."""

    def query_number(self, e164: str, now: datetime) -> RegistryAnswer:
        """Returns whether a number is registered. Raises NoAnswerError, also if the list is too old at `now`."""


class SimulatedRegistry:
    """A local registry for tests: it has one magic number and no other."""

    def query_number(self, e164: str, now: datetime) -> RegistryAnswer:
        return RegistryAnswer(MAGIC_NUMBERS.get(e164) is MagicOutcome.NATIONAL_DNC, now.date())


class _NoRegistry:
    def query_number(self, e164: str, now: datetime) -> RegistryAnswer:  # noqa: ARG002 the port's signature
        raise NoAnswerError("not_configured")


def _of_files() -> NationalRegistry:
    from switchboard.carriers import registry_files  # keeps cold starts short: few deployments have the files

    return registry_files.FileRegistry(Path(settings.text("NATIONAL_REGISTRY_FOLDER")))


_REGISTRIES: dict[str, Callable[[], NationalRegistry]] = {
    "simulator": SimulatedRegistry,
    "none": _NoRegistry,
    "files": _of_files,
}


def get_national_registry() -> NationalRegistry:
    """Returns the registry that the setting NATIONAL_REGISTRY names: `simulator`, `files`, or `none` (default).

    `none` never answers, so the gate refuses telemarketing. For `files`, the setting NATIONAL_REGISTRY_FOLDER names the
    folder.
    """
    return _REGISTRIES[settings.text("NATIONAL_REGISTRY", "none")]()
