"""An issuer's published documents: its discovery document and its keys. Both are cached for some minutes."""

from __future__ import annotations

from typing import Any

from switchboard.carriers.identity import ProviderUnreachableError
from switchboard.carriers.identity.issuer_client import IssuerClient, check_issuer_url
from switchboard.kit import clock

#: How long a document is cached, in seconds. A key that the issuer withdraws is accepted for this time at most.
CACHE_SECONDS = 600
_DISCOVERY = "/.well-known/openid-configuration"
_kept: dict[str, tuple[float, dict[str, Any]]] = {}


def get_discovery(issuer: str, web: IssuerClient) -> dict[str, Any]:
    """Returns an issuer's discovery document (OpenID Connect Discovery, 4).

    Raises ProviderUnreachableError, also if the document belongs to another issuer.
    """
    found = _fetched(issuer.rstrip("/") + _DISCOVERY, web)
    if found.get("issuer") != issuer:
        raise ProviderUnreachableError(f"the discovery document of {issuer} belongs to another issuer")
    return found


def get_keys(issuer: str, web: IssuerClient, *, anew: bool = False) -> list[Any]:
    """Returns an issuer's published keys. `anew` bypasses the cache. Raises ProviderUnreachableError."""
    url = check_issuer_url(get_discovery(issuer, web).get("jwks_uri"))
    found = _fetched(url, web, anew=anew).get("keys")
    if not isinstance(found, list):
        raise ProviderUnreachableError(f"{url} holds no keys")
    return found


def _fetched(url: str, web: IssuerClient, *, anew: bool = False) -> dict[str, Any]:
    at, document = _kept.get(url, (0.0, {}))
    if anew or not 0 <= clock.epoch() - at < CACHE_SECONDS:
        document = web.get(url)
        _kept[url] = clock.epoch(), document
    return document


def clear_cache() -> None:
    """Clears the cache, for tests."""
    _kept.clear()
