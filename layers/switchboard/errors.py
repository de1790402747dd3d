"""Refusals of the domain that a caller may read. They know no HTTP: each dialect maps them once (`dialects/`).

DomainError
|-- Invalid            the input has no meaning here
|-- Unauthenticated    no valid credential
|-- Forbidden          the caller has no right to do this
|-- NotFound           the organization has no such object
|-- Conflict           the change conflicts with the current state
|-- QuotaExceeded      a quota or spending cap is reached
|-- RateLimited        too many requests
|-- TooLarge           the body is too large
|-- UnsupportedMedia   wrong media type
|-- MethodNotAllowed   the path has other methods
`-- Unavailable        a dependency is down; retry later
    `-- Contended      concurrent changes kept this one from being written
"""

from __future__ import annotations

from typing import Any


class DomainError(Exception):
    """A refusal that a caller may read.

    `code` is the usual word for the condition, in lower case. `details` are safe to show.
    """

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.details = details


class Invalid(DomainError):
    """The request is well formed, but its values are not valid. `fields` maps each wrong field to its problem."""

    code = "invalid"


class Unauthenticated(DomainError):
    """There is no valid credential. `code` says why: missing, malformed, unknown, expired or revoked."""

    code = "unauthenticated"


class Forbidden(DomainError):
    """The caller is known, but has no right to do this."""

    code = "forbidden"


class NotFound(DomainError):
    """The organization has no such object. Objects of other organizations get the same error, so nothing leaks."""

    code = "not_found"


class Conflict(DomainError):
    """The change conflicts with the current state."""

    code = "conflict"


class QuotaExceeded(DomainError):
    """A quota of the plan or the organization's own spending cap is reached."""

    code = "quota_exceeded"


class RateLimited(DomainError):
    """Too many requests in the window. `retry_after` is in seconds."""

    code = "rate_limited"


class TooLarge(DomainError):
    """The body is larger than the limit."""

    code = "too_large"


class UnsupportedMedia(DomainError):
    """The route does not support the body's media type."""

    code = "unsupported_media"


class MethodNotAllowed(DomainError):
    """The path does not support the method. `allow` lists the supported methods."""

    code = "method_not_allowed"


class Unavailable(DomainError):
    """A dependency is temporarily unavailable. The same request may succeed later."""

    code = "unavailable"


class Contended(Unavailable):
    """Concurrent changes of the same objects kept winning, so nothing was written."""
