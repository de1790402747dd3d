"""The port through which calls are placed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from switchboard.aws import settings
from switchboard.carriers.outcomes import OutcomeUnknown, Refused, Throttled

__all__ = ["Dial", "OutcomeUnknown", "Refused", "Throttled", "Voice", "VoiceCarrier", "carrier", "name", "simulated"]


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
    variables: Mapping[str, str] = field(default_factory=dict)


class VoiceCarrier(Protocol):
    """Places calls."""

    def available(self, to_number: str) -> bool:
        """Whether the provider takes calls now, as far as is known without asking it."""

    def dial(self, dial: Dial) -> str:
        """Place a call and answer the provider's id for it. Raises Refused, Throttled or OutcomeUnknown."""

    def voices(self) -> list[Voice]:
        """The voices that an agent can have."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of the catalogue."""

    id: str
    name: str
    tier: str
    language: str
    gender: str


def simulated() -> VoiceCarrier:
    """The carrier that calls nobody, whatever is configured: for test keys."""
    from switchboard.carriers.voice.simulator import SimulatedVoice

    return SimulatedVoice()


_CARRIERS: dict[str, Callable[[], VoiceCarrier]] = {"simulator": simulated}


def name() -> str:
    """The carrier that the setting VOICE_CARRIER names: so far `simulator` alone."""
    return settings.text("VOICE_CARRIER", "simulator")


def carrier() -> VoiceCarrier:
    """The carrier of that name."""
    return _CARRIERS[name()]()
