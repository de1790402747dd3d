"""JSON Web Tokens under a shared secret: HS256, and no other algorithm. The header of a token does not choose.

The library is loaded with the first token: most functions never see one. The reader checks the times in a token,
by this project's clock.
"""

from __future__ import annotations

from typing import Any

#: The algorithm of every token here. A reader that trusts the header accepts `none`.
ALGORITHM = "HS256"


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


def _key(secret: bytes) -> Any:
    from joserfc.jwk import OctKey

    return OctKey.import_key(secret)
