"""Jobs of numbers."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class ConfigureNumber(Job, queue="numbers"):
    """Tell the provider the name of a number, and the URLs of its calls and texts."""

    org_id: str
    number_id: str


class SettlePurchase(Job, queue="numbers"):
    """Find out whether a number was bought, if the request that buys it did not finish."""

    org_id: str
    purchase_id: str
