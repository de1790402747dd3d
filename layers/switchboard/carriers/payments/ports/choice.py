"""The name of the deployment's provider of payments."""

from __future__ import annotations

from switchboard.kit import settings


def payments_name() -> str:
    """Returns the provider that the setting PAYMENTS_CARRIER names: `stripe`, `simulator` or `none`.

    The simulator is the default of the local stack. Elsewhere it must be named: with it, everybody subscribes for
    nothing.
    """
    return settings.text("PAYMENTS_CARRIER", "simulator" if settings.stage() == "local" else "none")
