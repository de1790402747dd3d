"""The port through which calls are placed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from switchboard.aws import settings
from switchboard.carriers.outcomes import OutcomeUnknown, Refused, Throttled

__all__ = [
    "Dial",
    "NoCarrier",
    "OutcomeUnknown",
    "Placed",
    "Refused",
    "Snapshot",
    "Throttled",
    "Voice",
    "VoiceCarrier",
    "carrier",
    "name",
    "reaches_people",
    "simulated",
    "usual_pace",
]


@dataclass(frozen=True, slots=True)
class Dial:
    """A call to place. `call_id` is our own: the provider sends it back with everything that it reports.

    `provider_agent_id` is the provider's own agent that is to talk, where there is one; `prompt` and the greeting take
    the place of that agent's, and `variables` stand for `{{name}}` in both.
    """

    org_id: str
    call_id: str
    from_number: str
    to_number: str
    voice_id: str
    greeting: str
    agent_name: str
    provider_agent_id: str | None = None
    prompt: str | None = None
    #: The end of the time in which the call may ring: a provider that still queues it then gives it up.
    not_after: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


class VoiceCarrier(Protocol):
    """Places calls."""

    def available(self, to_number: str) -> bool:
        """Whether the provider takes calls now, as far as is known without asking it."""

    def capacity(self, from_number: str) -> float:
        """How many calls a second the provider takes from a number; `inf` where it counts none."""

    def dial(self, dial: Dial) -> str:
        """Place a call and answer the provider's id for it. Raises Refused, Throttled or OutcomeUnknown."""

    def fetch(self, placed: Placed) -> Snapshot | None:
        """Where a call is by what the provider knows; `None` where it knows no such call. Raises OutcomeUnknown."""

    def end(self, placed: Placed) -> None:
        """Cancel a call that rings, or hang it up. Does nothing for one that is over. Raises OutcomeUnknown."""

    def voices(self) -> list[Voice]:
        """The voices that an agent can have."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A call that the provider may have. Without its id the provider finds it by ours."""

    org_id: str
    call_id: str
    provider_call_id: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where a provider says that a call is. `end_reason` is a word of our own vocabulary, set when it is over."""

    over: bool
    answered: bool = False
    end_reason: str | None = None
    duration_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of the catalogue."""

    id: str
    name: str
    tier: str
    language: str
    gender: str


class NoCarrier:
    """What there is where no carrier is configured: nobody can be called."""

    def available(self, to_number: str) -> bool:  # noqa: ARG002 a carrier's signature
        """Never."""
        return False

    def capacity(self, from_number: str) -> float:  # noqa: ARG002 a carrier's signature
        """No limit, since no call goes out."""
        return math.inf

    def dial(self, dial: Dial) -> str:  # noqa: ARG002 a carrier's signature
        """Refuse: a call may have been accepted before the carrier was taken away."""
        raise Refused("no carrier is configured")

    def fetch(self, placed: Placed) -> Snapshot | None:  # noqa: ARG002 a carrier's signature
        """Nothing is known."""
        return None

    def end(self, placed: Placed) -> None:
        """There is nothing to end."""

    def voices(self) -> list[Voice]:
        """None."""
        return []


def usual_pace() -> float:
    """How many calls a second a provider takes from a number, where it says nothing else: Twilio's default is 1."""
    return float(settings.text("VOICE_CALLS_PER_SECOND", "1"))


def simulated() -> VoiceCarrier:
    """The carrier that calls nobody, whatever is configured: for test keys."""
    from switchboard.carriers.voice.simulator import SimulatedVoice

    return SimulatedVoice()


_CARRIERS: dict[str, Callable[[], VoiceCarrier]] = {"simulator": simulated, "none": NoCarrier}


def name() -> str:
    """The carrier that the setting VOICE_CARRIER names: `simulator` or `none`.

    The simulator stands for a real one on the local stack alone, where it is the default. In a deployment it serves
    test keys, which ask for no name, and live calls have no carrier: a simulated success must never pass for a call.
    """
    local = settings.stage() == "local"
    found = settings.text("VOICE_CARRIER", "simulator" if local else "none")
    return found if local or found != "simulator" else "none"


def carrier() -> VoiceCarrier:
    """The carrier of that name."""
    return _CARRIERS[name()]()


def reaches_people() -> bool:
    """Whether that carrier really calls."""
    return name() not in ("none", "simulator")
