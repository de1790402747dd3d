"""Descriptions of HTTP headers for the OpenAPI documents."""

from __future__ import annotations

from typing import Any

from switchboard.edge import idempotency

#: The name under which `WWW-Authenticate` reaches the client: a REST API of API Gateway renames this header.
CHALLENGE = "x-amzn-Remapped-WWW-Authenticate"


def describe_text_header(description: str, example: str, **more: Any) -> dict[str, Any]:
    """Returns the description of a header that holds text."""
    return {"description": description, "schema": {"type": "string", **more}, "example": example}


def describe_number_header(description: str, example: int) -> dict[str, Any]:
    """Returns the description of a header that holds a whole number."""
    return {"description": description, "schema": {"type": "integer", "minimum": 0}, "example": example}


def describe_limit_headers(per_second: int = 100, per_minute: int = 60) -> dict[str, Any]:
    """Returns the rate-limit headers that every response has."""
    return {
        "X-RateLimit-Limit": describe_number_header("Requests per minute.", per_minute),
        "X-RateLimit-Remaining": describe_number_header(
            "Requests left in this minute. On large plans this is an estimate.", per_minute - 1
        ),
        "X-RateLimit-Reset": describe_number_header("The end of the minute, in seconds since 1970.", 1_768_496_460),
        "X-RateLimit-Sec-Limit": describe_number_header("Requests per second.", per_second),
        "X-RateLimit-Sec-Remaining": describe_number_header(
            "Requests left in this second. On large plans this is an estimate.", per_second - 1
        ),
        "X-RateLimit-Sec-Reset": describe_number_header("The end of the second, in seconds since 1970.", 1_768_496_401),
        "RateLimit": describe_text_header(
            "Requests left of both limits, in the format of the IETF draft.", f'"minute";r={per_minute - 1};t=60'
        ),
        "RateLimit-Policy": describe_text_header(
            "Both limits, in the format of the IETF draft.", f'"minute";q={per_minute};w=60'
        ),
    }


def describe_challenge(example: str) -> dict[str, Any]:
    """Returns the description of the header that says how to authenticate."""
    return describe_text_header("How to authenticate. This is `WWW-Authenticate`, which API Gateway renames.", example)


#: Headers of refusals.
ALLOW = describe_text_header("The methods that the path supports.", "POST")
RETRY_AFTER = describe_number_header("Seconds to wait before the next attempt.", 12)
#: The header of a redirect.
LOCATION = describe_text_header("The place to open next.", "/api/me", format="uri-reference")
#: The header of a replayed response.
REPLAYED = describe_text_header(
    "Present if this response is a replay of the response to an earlier request with the same Idempotency-Key.",
    "true",
    enum=["true"],
)

#: The parameter of every operation that changes data, in dialects that support it.
IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Makes a retry safe: the first response is stored for 24 hours and returned again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": idempotency.LONGEST, "pattern": "^[ -~]+$"},
}
