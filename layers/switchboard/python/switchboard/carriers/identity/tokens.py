"""Id tokens: who signed them, and whether for us, now, and for this sign-in (OpenID Connect Core, 3.1.3.7).

No algorithm is taken that has the verifier hold a secret: a public key would do as one.
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

from switchboard.aws import clock
from switchboard.carriers.identity import Refused

ALGORITHMS = ("RS256", "ES256", "PS256", "EdDSA", "Ed25519")
#: By how much the issuer's clock may differ from ours, in seconds.
LEEWAY = 60
#: Header parameters that we do not know mean nothing, unless `crit` names them (RFC 7515, 4.1.11).
_REGISTRY = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
_KINDS: dict[str, Any] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


def read(token: str, *, issuer: str, client_id: str, nonce: str, keys: Callable[[bool], list[Any]]) -> dict[str, Any]:
    """The claims of an id token. Raises Refused.

    `keys` answers the issuer's keys; it is asked for them anew, once, when none has signed the token: keys rotate.
    """
    try:
        try:
            claims = _signed(token, keys(False))
        except InvalidKeyIdError:
            claims = _signed(token, keys(True))
        _registry(issuer, client_id).validate(claims)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise Refused(f"the id token is not good: {error}") from error
    _check_party(claims, client_id)
    _check_nonce(claims["nonce"], nonce)
    return claims


def _signed(token: str, published: list[Any]) -> dict[str, Any]:
    usable = [key for key in map(_key, published) if key]
    with warnings.catch_warnings():
        # EdDSA is called Ed25519 since RFC 9864; which of the two names an issuer uses is not ours to say.
        warnings.simplefilter("ignore", SecurityWarning)
        return jwt.decode(token, KeySet(usable), registry=_REGISTRY, algorithms=ALGORITHMS).claims


def _key(published: Any) -> Key | None:
    """A published key, `None` for one that signs no id token: issuers publish keys of other kinds, too."""
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
        LEEWAY,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True},
    )


def _check_party(claims: dict[str, Any], client_id: str) -> None:
    """A token for several must have been given to us: another of them may hold it too."""
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else client_id) != client_id:
        raise Refused("the id token was given to another client")


def _check_nonce(found: object, nonce: str) -> None:
    if not isinstance(found, str) or not hmac.compare_digest(found.encode(errors="replace"), nonce.encode()):
        raise Refused("the id token belongs to another sign-in")
