"""Telephone numbers of Twilio. Each organization has its own subaccount, which owns its numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twilio.base.exceptions import TwilioRestException
from twilio.http import HttpClient

from switchboard.carriers import twilio_client
from switchboard.carriers.numbers.ports.inventory import (
    LIST_SECONDS,
    SECONDS,
    UNAVAILABLE,
    AvailableNumber,
    Features,
    NumberSearch,
    NumberSettings,
    OwnedNumber,
)
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.carriers.twilio_client import SDK_ERRORS, ask_twilio
from switchboard.carriers.twilio_retries import retried_url
from switchboard.carriers.twilio_subaccounts import find_subaccount, save_subaccount

#: The number is not on sale: 21421 it is invalid, 21422 somebody has it, 21452 the area has none.
_UNAVAILABLE = frozenset({21421, 21422, 21452})
#: The status of a subaccount that is closed for good.
_CLOSED = "closed"
#: The largest page of Twilio's lists.
_PAGE = 1_000


def _make_http_client(seconds: float) -> HttpClient:
    return twilio_client.make_http_client(seconds, SECONDS)


class TwilioInventory:
    """Twilio's numbers. `http` makes the HTTP client of one call of the port, which takes at most some seconds."""

    name = "twilio"

    def __init__(self, http: Callable[[float], HttpClient] = _make_http_client) -> None:
        self._http = http

    def search(self, search: NumberSearch) -> list[AvailableNumber]:
        """Returns numbers on sale (AvailablePhoneNumbers)."""
        client = self._client()
        country = client.api.v2010.account.available_phone_numbers(search.country)
        numbers = country.toll_free if search.type == "TollFree" else country.local
        filters = {
            "area_code": search.area_code,
            "contains": search.contains,
            "in_region": search.region,
            "in_locality": search.locality,
            "in_postal_code": search.postal_code,
            "sms_enabled": search.sms,
            "mms_enabled": search.mms,
            "voice_enabled": search.voice,
        }
        given: dict[str, Any] = {name: value for name, value in filters.items() if value is not None}
        page = ask_twilio(lambda: list(numbers.page(page_size=search.limit, **given)))
        return [_available(one) for one in page or []][: search.limit]

    def buy(self, org_id: str, e164: str, settings: NumberSettings) -> OwnedNumber:
        """Buys a number into the organization's subaccount (IncomingPhoneNumbers), with its settings."""
        client = self._client()
        try:
            account = self._subaccount(client, org_id)
        except OutcomeUnknownError as unknown:
            # Nothing was bought yet. The next attempt finds the subaccount by its name.
            raise ThrottledError(f"the subaccount could not be opened: {unknown}") from unknown
        numbers = client.api.v2010.accounts(account).incoming_phone_numbers
        try:
            return _owned(numbers.create(phone_number=e164, **_given(settings)))
        except SDK_ERRORS as error:
            raise _failure(error) from error

    def find(self, org_id: str, e164: str) -> OwnedNumber | None:
        """Returns a number of the subaccount by its telephone number."""
        numbers = self._numbers(org_id)
        if numbers is None:
            return None
        page = ask_twilio(lambda: list(numbers.page(phone_number=e164, page_size=20)))
        return next((_owned(one) for one in page or [] if one.phone_number == e164), None)

    def fetch(self, org_id: str, sid: str) -> OwnedNumber | None:
        """Returns a number of the subaccount by its id."""
        numbers = self._numbers(org_id)
        found = ask_twilio(lambda: numbers(sid).fetch()) if numbers is not None else None
        return _owned(found) if found else None

    def list_owned(self, org_id: str) -> list[OwnedNumber]:
        """Returns all numbers of the subaccount, page after page."""
        numbers = self._numbers(org_id, LIST_SECONDS)
        if numbers is None:
            return []
        found = ask_twilio(lambda: numbers.list(page_size=_PAGE))
        if found is None:
            # A subaccount that is closed, or a page that is gone. It does not say that there are no numbers.
            raise ThrottledError("the list of numbers is not there")
        return [_owned(one) for one in found]

    def release(self, org_id: str, sid: str) -> None:
        """Deletes a number from the subaccount."""
        numbers = self._numbers(org_id)
        if numbers is not None:
            ask_twilio(lambda: numbers(sid).delete())

    def close(self, org_id: str) -> bool:
        """Closes the subaccount for good. Twilio releases its numbers, and deletes it after 30 days."""
        account = find_subaccount(org_id)
        if account is None:
            return False
        subaccount = self._client().api.v2010.accounts(account)
        found = ask_twilio(subaccount.fetch)
        if found is None or found.status == _CLOSED:
            return False
        ask_twilio(lambda: subaccount.update(status=_CLOSED))
        return True

    def configure(self, org_id: str, sid: str, settings: NumberSettings) -> None:
        """Sets the name and the URLs of a number."""
        given = _given(settings)
        # Twilio ignores the URLs of a number that has an application or a trunk.
        if settings.voice_url is not None:
            given |= {"voice_application_sid": "", "trunk_sid": ""}
        if settings.sms_url is not None:
            given["sms_application_sid"] = ""
        numbers = self._numbers(org_id)
        changed = ask_twilio(lambda: numbers(sid).update(**given)) if numbers is not None else None
        if not changed:
            raise RefusedError("the number is gone")

    def _client(self, seconds: float = SECONDS) -> Any:
        return twilio_client.make_client(self._http(seconds))

    def _numbers(self, org_id: str, seconds: float = SECONDS) -> Any:
        """Returns the numbers of the organization's subaccount, `None` if it has no subaccount."""
        account = find_subaccount(org_id)
        return self._client(seconds).api.v2010.accounts(account).incoming_phone_numbers if account else None

    def _subaccount(self, client: Any, org_id: str) -> str:
        """Returns the id of the organization's subaccount. Opens one for its first number."""
        known = find_subaccount(org_id)
        if known:
            return known
        name = f"switchboard {org_id}"
        # An earlier attempt may have opened it without an answer.
        accounts = client.api.v2010.accounts
        found = ask_twilio(lambda: list(accounts.page(friendly_name=name, status="active", page_size=20))) or []
        try:
            opened = min(found, key=lambda one: (one.date_created, one.sid), default=None) or accounts.create(
                friendly_name=name
            )
        except SDK_ERRORS as error:
            raise _failure(error) from error
        # If a request at the same time was faster, its subaccount counts, and the other one stays empty.
        return save_subaccount(org_id, str(opened.sid))


def _failure(error: Exception) -> Exception:
    if isinstance(error, TwilioRestException) and error.code in _UNAVAILABLE:
        return RefusedError(UNAVAILABLE)
    return twilio_client.failure_of(error, writing=True)


def _given(settings: NumberSettings) -> dict[str, Any]:
    """Returns the settings in the SDK's words. The methods are given, too: somebody may have changed them."""
    given: dict[str, Any] = {"friendly_name": settings.friendly_name}
    status_url = retried_url(settings.status_url) if settings.status_url else None
    # A text whose callback failed is lost: nothing else tells us about it.
    sms_url = retried_url(settings.sms_url) if settings.sms_url else None
    for url, name, method_name, method in (
        (settings.voice_url, "voice_url", "voice_method", "POST"),
        (settings.voice_fallback_url, "voice_fallback_url", "voice_fallback_method", "GET"),
        (status_url, "status_callback", "status_callback_method", "POST"),
        (sms_url, "sms_url", "sms_method", "POST"),
    ):
        if url is not None:
            given |= {name: url, method_name: method}
    return given


def _features(capabilities: Any) -> Features:
    given = {str(name).lower(): bool(value) for name, value in dict(capabilities or {}).items()}
    return Features(voice=given.get("voice", False), sms=given.get("sms", False), mms=given.get("mms", False))


def _owned(one: Any) -> OwnedNumber:
    return OwnedNumber(one.sid, one.phone_number, one.friendly_name or "", _features(one.capabilities))


def _available(one: Any) -> AvailableNumber:
    return AvailableNumber(
        e164=one.phone_number,
        friendly_name=one.friendly_name,
        locality=one.locality or None,
        region=one.region or None,
        postal_code=one.postal_code or None,
        country=one.iso_country,
        latitude=float(one.latitude) if one.latitude else None,
        longitude=float(one.longitude) if one.longitude else None,
        features=_features(one.capabilities),
    )
