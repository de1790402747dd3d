"""The caller's own credential, as the API that it belongs to takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from switchboard.accounts.models import KeyKind
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.edge.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Credential:
    """The API that accepts the credential, and the header that carries it there.

    A key that is bound to addresses works only from them, and the requests of a tool come from the platform.
    """

    api: str
    headers: Mapping[str, str]
    is_bound_to_addresses: bool = False


def read_credential(exchange: Exchange) -> Credential:
    """Returns the credential that an authenticated request brought."""
    if exchange.key_identity is None:
        return Credential("hum", {"cookie": f"{COOKIE}={exchange.request.cookie(COOKIE)}"})
    known, key = exchange.key_identity.key, exchange.credential
    bound = bool(known.restrictions.ip_allowlist)
    if known.kind in (KeyKind.OPTICOMM_LIVE, KeyKind.OPTICOMM_TEST):
        return Credential("opticomm", {"x-api-key": key}, bound)
    api = "athos" if known.kind is KeyKind.ATHOS else "anima"
    return Credential(api, {"authorization": f"Bearer {key}"}, bound)
