"""The forms of the simulator's pages."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from switchboard.carriers.payments.simulator.events import Delivery


class CheckoutForm(BaseModel):
    """A customer's action on a page for paying."""

    action: Literal["pay", "decline", "cancel"]
    delivery: Delivery = "once"


class PortalForm(BaseModel):
    """A customer's action in the portal. Some are done by the provider, the seller or a bank."""

    action: Literal[
        "plan", "cancel", "resume", "good_card", "failing_card", "next_month", "end", "void", "dispute", "win"
    ]
    plan: Literal["starter", "growth", "scale"] = "starter"
    delivery: Delivery = "once"
