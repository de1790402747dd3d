"""The registry of brands and campaigns (`ports`): a simulator, Twilio, or none."""

from __future__ import annotations

from collections.abc import Callable

from switchboard.carriers.numbers import inventory_name
from switchboard.carriers.registrations.ports.registry import Registry
from switchboard.errors import Unavailable
from switchboard.kit import settings

__all__ = ["get_registry", "registry_name"]


def _simulator() -> Registry:
    from switchboard.carriers.registrations.simulator import SimulatedBrandRegistry  # for cold start: one registry only

    return SimulatedBrandRegistry()


def _twilio() -> Registry:
    from switchboard.carriers.registrations.twilio.registry import TwilioRegistry  # for cold start: the SDK is large

    return TwilioRegistry()


_REGISTRIES: dict[str, Callable[[], Registry]] = {"simulator": _simulator, "twilio": _twilio}


def registry_name() -> str:
    """Returns the registry: the provider of the numbers, because a campaign has numbers of its own account only.

    Twilio registers customers of ours only below the profile of our own business: the setting TWILIO_PRIMARY_PROFILE.
    """
    found = inventory_name()
    return found if found != "twilio" or settings.text("TWILIO_PRIMARY_PROFILE", "") else "none"


def get_registry() -> Registry:
    """Returns the configured registry. Raises Unavailable if there is none."""
    make = _REGISTRIES.get(registry_name())
    if make is None:
        raise Unavailable(
            "Brands cannot be registered here, because no registry is configured: ask the operator of this deployment.",
            code="no_registry",
        )
    return make()
