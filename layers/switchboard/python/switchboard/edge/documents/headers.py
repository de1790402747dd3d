"""Headers as the documents describe them: those of every API, and how to describe more."""

from __future__ import annotations

from typing import Any

from switchboard.edge import idempotency


def text(description: str, example: str, **more: Any) -> dict[str, Any]:
    """A header that holds text."""
    return {"description": description, "schema": {"type": "string", **more}, "example": example}


def number(description: str, example: int) -> dict[str, Any]:
    """A header that holds a whole number."""
    return {"description": description, "schema": {"type": "integer", "minimum": 0}, "example": example}


def limits(per_second: int = 100, per_minute: int = 60) -> dict[str, Any]:
    """The headers that tell how a caller's limits stand, of every answer."""
    return {
        "X-RateLimit-Limit": number("Requests a minute.", per_minute),
        "X-RateLimit-Remaining": number("Requests left in this minute; on large plans an estimate.", per_minute - 1),
        "X-RateLimit-Reset": number("When the minute ends, in seconds since 1970.", 1_768_496_460),
        "X-RateLimit-Sec-Limit": number("Requests a second.", per_second),
        "X-RateLimit-Sec-Remaining": number(
            "Requests left in this second; on large plans an estimate.", per_second - 1
        ),
        "X-RateLimit-Sec-Reset": number("When the second ends, in seconds since 1970.", 1_768_496_401),
        "RateLimit": text(
            "What is left of both limits, as the IETF's draft writes it.", f'"minute";r={per_minute - 1};t=60'
        ),
        "RateLimit-Policy": text("Both limits, as the IETF's draft writes them.", f'"minute";q={per_minute};w=60'),
    }


#: The name by which `WWW-Authenticate` arrives: a REST API of API Gateway renames what its function answers.
CHALLENGE = "x-amzn-Remapped-WWW-Authenticate"


def challenge(example: str) -> dict[str, Any]:
    """The header that tells how to authenticate."""
    return text("How to authenticate: `WWW-Authenticate`, which API Gateway renames.", example)


#: Headers of refusals.
ALLOW = text("The methods that the path takes.", "POST")
RETRY_AFTER = number("Seconds to wait before the next try.", 12)
#: Of an answer that was given before.
REPLAYED = text(
    "There when this answer was given before, to an earlier request with the same Idempotency-Key.",
    "true",
    enum=["true"],
)

#: The parameter of every operation that changes something, where the dialect takes it.
IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Makes a repetition safe: the first answer is kept for 24 hours and given again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": idempotency.LONGEST, "pattern": "^[ -~]+$"},
}
