"""The provider of telephone numbers (`ports`): a simulator, Twilio, or none."""

from __future__ import annotations

from collections.abc import Callable

from switchboard.carriers.numbers.ports.inventory import NumberInventory
from switchboard.errors import Unavailable
from switchboard.kit import settings

__all__ = ["get_inventory", "inventory_name"]


def _simulator() -> NumberInventory:
    from switchboard.carriers.numbers.simulator import SimulatedInventory  # for cold start: one provider only

    return SimulatedInventory()


def _twilio() -> NumberInventory:
    from switchboard.carriers.numbers.twilio import TwilioInventory  # for cold start: the SDK is large

    return TwilioInventory()


_INVENTORIES: dict[str, Callable[[], NumberInventory]] = {"simulator": _simulator, "twilio": _twilio}


def inventory_name() -> str:
    """Returns the provider that the setting NUMBERS_CARRIER names: `twilio`, `simulator` or `none`.

    The simulator is the default of the local stack, and works only there. A deployment that sold simulated numbers
    would show numbers that nobody can call.
    """
    local = settings.stage() == "local"
    found = settings.text("NUMBERS_CARRIER", "simulator" if local else "none")
    return found if local or found != "simulator" else "none"


def get_inventory() -> NumberInventory:
    """Returns the configured provider. Raises Unavailable if there is none."""
    make = _INVENTORIES.get(inventory_name())
    if make is None:
        raise Unavailable(
            "No provider of telephone numbers is configured: ask the operator of this deployment.",
            code="no_number_provider",
        )
    return make()
