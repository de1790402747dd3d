"""JSON Web Tokens under a shared secret: HS256, and no other algorithm. The header of a token does not choose.

The library is loaded with the first token: most functions never see one. The times in a token are checked by this
project's clock.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from switchboard.kit import clock

#: The algorithm of every token here. A reader that trusts the header accepts `none`.
ALGORITHM = "HS256"


_MAX_SESSION_CHARACTERS = 2_048


class SessionClaims(NamedTuple):
    """The claims of a valid session token: the organization and the session."""

    org_id: str
    session_id: str


class ExpiredTokenError(Exception):
    """The token is ours, and its time is over."""


class NotSignedError(Exception):
    """The token is malformed, or it was not signed with this secret by this algorithm."""


def sign_claims(claims: dict[str, Any], key: bytes) -> str:
    """Returns a token that holds the claims."""
    from joserfc import jwt

    return jwt.encode({"alg": ALGORITHM, "typ": "JWT"}, claims, _key(key), default_type=None)


def verify_claims(token: str, key: bytes) -> dict[str, Any]:
    """Returns the claims of a token. Raises NotSignedError. Does not check what the claims say."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jws import JWSRegistry

    # Unknown header parameters have no meaning unless `crit` names them (RFC 7515, 4.1.11).
    registry = JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)
    try:
        return jwt.decode(token, _key(key), registry=registry).claims
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise NotSignedError(str(error)) from error


def verify_session(token: str, key: bytes, issuer: str, audience: str, *, dated: bool = False) -> SessionClaims:
    """Returns the session that a token names in `tenant` and `jti`. A `dated` token also has `iat`.

    Raises NotSignedError for a token of another issuer, audience or form, and ExpiredTokenError.
    """
    if len(token) > _MAX_SESSION_CHARACTERS:
        raise NotSignedError("the token is too long")
    claims = verify_claims(token, key)
    # The audience is one text. A token for several audiences is not ours.
    if claims.get("iss") != issuer or claims.get("aud") != audience or (dated and claims.get("iat") is None):
        raise NotSignedError("the token is for something else")
    org_id, session_id, expires = claims.get("tenant"), claims.get("jti"), claims.get("exp")
    if not (isinstance(org_id, str) and isinstance(session_id, str) and type(expires) is int):
        raise NotSignedError("the token names no session")
    if expires <= clock.epoch():
        raise ExpiredTokenError
    return SessionClaims(org_id, session_id)


def _key(secret: bytes) -> Any:
    from joserfc.jwk import OctKey

    return OctKey.import_key(secret)
