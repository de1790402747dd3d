"""Stripe's notifications, below `/stripe`: the dialect of callbacks. The simulator's pages are below it too."""

from __future__ import annotations

from switchboard.dialects.callbacks.dialect import Callbacks
from switchboard.dialects.hum.dialect import Hum


class StripeCallbacks(Callbacks):
    """The dialect of Stripe's notifications."""

    base_path = "/stripe"


class SimulatedStripePages(Hum):
    """The dialect of the simulator's pages. Their forms come from the pages' own origin, as those of the console."""

    base_path = "/stripe"
