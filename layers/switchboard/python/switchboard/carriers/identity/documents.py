"""What an issuer publishes of itself: its discovery document and its keys, each kept for some minutes."""

from __future__ import annotations

from typing import Any

from switchboard.aws import clock
from switchboard.carriers.identity import Unreachable
from switchboard.carriers.identity.web import Web, checked

#: How long a document is kept, in seconds: a key that the issuer withdraws is good for no longer.
KEPT = 600
_DISCOVERY = "/.well-known/openid-configuration"
_kept: dict[str, tuple[float, dict[str, Any]]] = {}


def discovery(issuer: str, web: Web) -> dict[str, Any]:
    """An issuer's discovery document (OpenID Connect Discovery, 4). Raises Unreachable where it is another issuer's."""
    found = _fetched(issuer.rstrip("/") + _DISCOVERY, web)
    if found.get("issuer") != issuer:
        raise Unreachable(f"the discovery document of {issuer} is another issuer's")
    return found


def keys(issuer: str, web: Web, *, anew: bool = False) -> list[Any]:
    """An issuer's keys as they are published; `anew` asks even if they are kept."""
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
    """Drop what is kept, for tests."""
    _kept.clear()
