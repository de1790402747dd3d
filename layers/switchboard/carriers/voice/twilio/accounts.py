"""The accounts that sign callbacks: the organization's own at Twilio, and its simulated one.

A callback is signed with the token of the account that has the number. Each organization has a subaccount. Its token is
fetched with the token of the main account, and a process remembers it for five minutes.
"""

from __future__ import annotations

import asyncio
import base64
import json
from http import HTTPStatus
from typing import Literal

from switchboard.aws import secret
from switchboard.carriers import signatures
from switchboard.carriers.outcomes import OutcomeUnknownError
from switchboard.carriers.twilio_subaccounts import find_subaccount
from switchboard.carriers.voice.ports.reports import SignedCallback
from switchboard.kit import clock, settings, texts

Signer = Literal["twilio", "simulator"]

_API = "https://api.twilio.com"
#: Within the time that Twilio waits for the answer to a callback (15 s).
_SECONDS = 4.0
_tokens: dict[str, tuple[float, str]] = {}


def find_signer(request: SignedCallback, org_id: str | None) -> Signer | None:
    """Returns whose account of this organization signed a callback, or `None` for a wrong signature.

    Without an organization only the main account counts. Raises OutcomeUnknownError if Twilio does not tell a token.
    """
    if not (header := request.header("x-twilio-signature")):
        return None
    if org_id is not None and _verify(request, header, (simulated_token(org_id),)):
        return "simulator"
    if not settings.text("TWILIO_SECRET", ""):
        return None
    if _verify(request, header, secret.active_secrets(settings.text("TWILIO_SECRET"))):
        return "twilio"
    account = find_subaccount(org_id) if org_id is not None else None
    # The account is in the form, so that a forged callback of another account costs no request to Twilio.
    if account is None or ("AccountSid", account) not in request.parameters:
        return None
    return "twilio" if _verify(request, header, (_subaccount_token(account),)) else None


def _verify(request: SignedCallback, header: str, tokens: tuple[str, ...]) -> bool:
    return signatures.verify_twilio(request.url, request.parameters, header, tokens)


def simulated_token(org_id: str) -> str:
    """Returns the token of an organization's simulated account."""
    return secret.derive("simulated twilio account", org_id).hex()[:32]


def simulated_account_sid(org_id: str) -> str:
    """Returns the id of an organization's simulated account."""
    return f"AC{texts.digest(f'simulated account {org_id}')[:32]}"


def api_url() -> str:
    """Returns the address of Twilio's API. The setting TWILIO_API_URL replaces it, for tests and for regions."""
    return settings.text("TWILIO_API_URL", "").rstrip("/") or _API


def main_account_headers() -> dict[str, str]:
    """Returns the headers of a request by the main account, which acts for its subaccounts."""
    token = secret.active_secrets(settings.text("TWILIO_SECRET"))[0]
    pair = f"{settings.text('TWILIO_ACCOUNT_SID')}:{token}"
    return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _subaccount_token(account: str) -> str:
    until, known = _tokens.get(account, (0.0, ""))
    if until > clock.epoch():
        return known
    found = asyncio.run(_fetch_token(f"{api_url()}/2010-04-01/Accounts/{account}.json"))
    _tokens[account] = (clock.epoch() + secret.ACTIVE_CACHE_SECONDS, found)
    return found


async def _fetch_token(url: str) -> str:
    from switchboard.outbound.client import GuardedClient, NoResponseError  # for cold start: few callbacks need it

    try:
        async with GuardedClient() as web:
            answer = await web.get(url, main_account_headers(), _SECONDS)
    except NoResponseError as error:
        raise OutcomeUnknownError(f"no token of the account: {error}") from error
    if answer.status != HTTPStatus.OK:
        raise OutcomeUnknownError(f"no token of the account: status {answer.status}")
    try:
        return str(json.loads(answer.body)["auth_token"])
    except (ValueError, KeyError, TypeError) as error:
        raise OutcomeUnknownError("no token of the account: the response cannot be read") from error


def clear_cache() -> None:
    """Forgets all tokens, for tests that change them."""
    _tokens.clear()
