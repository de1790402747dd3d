"""Verifies id tokens: signature, issuer, audience, time and nonce (OpenID Connect Core, 3.1.3.7).

Only algorithms with public keys are accepted. With a shared-secret algorithm, an attacker could sign a token with the
issuer's public key as the secret.
"""

from __future__ import annotations

import hmac
import warnings
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError, SecurityWarning
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from switchboard.carriers.identity import SignInRefusedError
from switchboard.kit import clock

ALGORITHMS = ("RS256", "ES256", "PS256", "EdDSA", "Ed25519")
#: How far the issuer's clock may differ from ours, in seconds.
LEEWAY_SECONDS = 60
#: Unknown header parameters are ignored unless `crit` names them (RFC 7515, 4.1.11).
_REGISTRY = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
_KINDS: dict[str, Any] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


def verify_id_token(
    token: str, *, issuer: str, client_id: str, nonce: str, keys: Callable[[bool], list[Any]]
) -> dict[str, Any]:
    """Verifies an id token and returns its claims. Raises SignInRefusedError.

    `keys` returns the issuer's keys; its argument says whether to bypass the cache. If no cached key signed the token,
    the keys are fetched again once, because issuers rotate keys.
    """
    try:
        try:
            claims = _signed(token, keys(False))
        except InvalidKeyIdError:
            claims = _signed(token, keys(True))
        _registry(issuer, client_id).validate(claims)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise SignInRefusedError(f"the id token is not valid: {error}") from error
    _check_party(claims, client_id)
    _check_nonce(claims["nonce"], nonce)
    return claims


def _signed(token: str, published: list[Any]) -> dict[str, Any]:
    usable = [key for key in map(_key, published) if key]
    with warnings.catch_warnings():
        # RFC 9864 renamed EdDSA to Ed25519. Accept both names, since the issuer chooses the name.
        warnings.simplefilter("ignore", SecurityWarning)
        return jwt.decode(token, KeySet(usable), registry=_REGISTRY, algorithms=ALGORITHMS).claims


def _key(published: Any) -> Key | None:
    """Imports a published key. Returns `None` for a key that cannot sign id tokens; issuers publish other keys too."""
    if not isinstance(published, dict) or published.get("use", "sig") != "sig":
        return None
    kind = _KINDS.get(str(published.get("kty")))
    try:
        found: Key | None = kind.import_key(published) if kind else None
    except (JoseError, ValueError, TypeError, KeyError, UnsupportedAlgorithm):
        return None
    return found


def _registry(issuer: str, client_id: str) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        int(clock.epoch()),
        LEEWAY_SECONDS,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True},
    )


def _check_party(claims: dict[str, Any], client_id: str) -> None:
    """Refuses a token that was issued to another client. With several audiences, `azp` must name our client."""
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else client_id) != client_id:
        raise SignInRefusedError("the id token was issued to another client")


def _check_nonce(found: object, nonce: str) -> None:
    if not isinstance(found, str) or not hmac.compare_digest(found.encode(errors="replace"), nonce.encode()):
        raise SignInRefusedError("the id token belongs to another sign-in")
