"""Jobs of numbers."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class ConfigureNumber(Job, queue="numbers"):
    """Tell the provider the name of a number, and the URLs of its calls and texts."""

    org_id: str
    number_id: str


class ChargeRent(Job, queue="numbers"):
    """Charge a month of a bought number. Month 1 is the first after the month of the purchase."""

    org_id: str
    number_id: str
    month: int


class SettlePurchase(Job, queue="numbers"):
    """Find out whether a number was bought, if the request that buys it did not finish."""

    org_id: str
    purchase_id: str
