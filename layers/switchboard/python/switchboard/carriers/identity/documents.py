"""An issuer's published documents: its discovery document and its keys. Both are cached for some minutes."""

from __future__ import annotations

from typing import Any

from switchboard.aws import clock
from switchboard.carriers.identity import Unreachable
from switchboard.carriers.identity.web import Web, checked

#: How long a document is cached, in seconds. A key that the issuer withdraws is accepted for this time at most.
KEPT = 600
_DISCOVERY = "/.well-known/openid-configuration"
_kept: dict[str, tuple[float, dict[str, Any]]] = {}


def discovery(issuer: str, web: Web) -> dict[str, Any]:
    """Returns an issuer's discovery document (OpenID Connect Discovery, 4).

    Raises Unreachable, also if the document belongs to another issuer.
    """
    found = _fetched(issuer.rstrip("/") + _DISCOVERY, web)
    if found.get("issuer") != issuer:
        raise Unreachable(f"the discovery document of {issuer} belongs to another issuer")
    return found


def keys(issuer: str, web: Web, *, anew: bool = False) -> list[Any]:
    """Returns an issuer's published keys. `anew` bypasses the cache. Raises Unreachable."""
    url = checked(discovery(issuer, web).get("jwks_uri"))
    found = _fetched(url, web, anew=anew).get("keys")
    if not isinstance(found, list):
        raise Unreachable(f"{url} holds no keys")
    return found


def _fetched(url: str, web: Web, *, anew: bool = False) -> dict[str, Any]:
    at, document = _kept.get(url, (0.0, {}))
    if anew or not 0 <= clock.epoch() - at < KEPT:
        document = web.get(url)
        _kept[url] = clock.epoch(), document
    return document


def forget() -> None:
    """Clear the cache, for tests."""
    _kept.clear()
