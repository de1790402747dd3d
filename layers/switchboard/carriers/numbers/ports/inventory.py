"""The port to telephone numbers: search, buy, look up, list, release and configure them.

Each organization has its own inventory at the provider. A request takes SECONDS at most, also if it needs several
requests to the provider. A list of a whole inventory takes LIST_SECONDS at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

#: The longest time of one call of the port. An API handler waits for it.
SECONDS = 5.0
#: The longest time of `list_owned`, which reads a large inventory page after page: less than API Gateway's 29 seconds.
LIST_SECONDS = 20.0
#: The codes of a refusal that says that a number cannot be bought by anybody now.
UNAVAILABLE = "number_unavailable"

NumberType = Literal["Local", "TollFree"]


@dataclass(frozen=True, slots=True)
class Features:
    """The abilities of a number."""

    voice: bool
    sms: bool
    mms: bool


@dataclass(frozen=True, slots=True)
class NumberSearch:
    """The filters of a search. `None` does not filter.

    `country` is an ISO 3166 code. `contains` has digits, letters of a telephone keypad, and `*` for any digit. A
    pattern that begins with `+` describes the beginning of the number. `voice`, `sms` and `mms` say whether the number
    has the feature.
    """

    country: str = "US"
    type: NumberType = "Local"
    area_code: str | None = None
    contains: str | None = None
    region: str | None = None
    locality: str | None = None
    postal_code: str | None = None
    voice: bool | None = None
    sms: bool | None = None
    mms: bool | None = None
    limit: int = 20


@dataclass(frozen=True, slots=True)
class AvailableNumber:
    """A number that can be bought. A toll-free number has no place."""

    e164: str
    friendly_name: str
    locality: str | None
    region: str | None
    postal_code: str | None
    country: str
    latitude: float | None
    longitude: float | None
    features: Features


@dataclass(frozen=True, slots=True)
class OwnedNumber:
    """A number in an organization's inventory. `sid` is the provider's id: PN and 32 hexadecimal digits."""

    sid: str
    e164: str
    friendly_name: str
    features: Features


@dataclass(frozen=True, slots=True)
class NumberSettings:
    """The settings of a number at its provider. A URL that is `None` stays as it is.

    All URLs are posted to, except the fallback, which is fetched with GET. The provider asks `voice_fallback_url` for a
    script when `voice_url` fails. A number with a `voice_url` is served by this URL alone: another way for its calls,
    for example a trunk, is removed.
    """

    friendly_name: str
    voice_url: str | None = None
    status_url: str | None = None
    sms_url: str | None = None
    voice_fallback_url: str | None = None


class NumberInventory(Protocol):
    """Sells numbers, and keeps those of each organization.

    Every method raises ThrottledError if the provider did not take the request and may take it later, and
    OutcomeUnknownError without a clear response. A request that only reads may be repeated after either.
    """

    @property
    def name(self) -> str:
        """The provider's name, which is kept with the number."""

    def search(self, search: NumberSearch) -> list[AvailableNumber]:
        """Returns numbers that can be bought, in a steady order. Raises RefusedError for a filter it cannot read."""

    def buy(self, org_id: str, e164: str, settings: NumberSettings) -> OwnedNumber:
        """Buys a number for an organization. Raises RefusedError, with the text UNAVAILABLE for a number not on sale.

        After OutcomeUnknownError the number may be bought: ask `find`.
        """

    def find(self, org_id: str, e164: str) -> OwnedNumber | None:
        """Returns the number in the organization's inventory, `None` if it is not there."""

    def fetch(self, org_id: str, sid: str) -> OwnedNumber | None:
        """Returns the number of this id in the organization's inventory, `None` if it is not there."""

    def list_owned(self, org_id: str) -> list[OwnedNumber]:
        """Returns the whole inventory of an organization, and never a part: numbers that are not in it are released.

        Raises the errors of all methods if any part cannot be read.
        """

    def release(self, org_id: str, sid: str) -> None:
        """Gives a number back. Succeeds if the organization does not have it."""

    def close(self, org_id: str) -> bool:
        """Gives back all numbers of an organization, and closes its account at the provider for good.

        Returns False if there is nothing to close. Raises RefusedError if the provider does not allow it.
        """

    def configure(self, org_id: str, sid: str, settings: NumberSettings) -> None:
        """Sets a number's name and the URLs that the provider calls. Raises RefusedError if the number is gone."""
