"""What a domain refuses, and why. Each dialect maps these once (switchboard.edge.dialects)."""

from __future__ import annotations

from typing import Any


class DomainError(Exception):
    """A refusal that a caller may read.

    `code` is the field's word for the condition, in lower case; `details` are safe to show.
    """

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.details = details


class Invalid(DomainError):
    """The request is well formed but means nothing here. `fields` lists what is wrong, field by field."""

    code = "invalid"


class Unauthenticated(DomainError):
    """No credential, or one that opens nothing. `code` tells which: missing, malformed, unknown, expired, revoked."""

    code = "unauthenticated"


class Forbidden(DomainError):
    """The caller is known and may not do this."""

    code = "forbidden"


class NotFound(DomainError):
    """There is no such thing for this organisation, which is all that another organisation may learn."""

    code = "not_found"


class Conflict(DomainError):
    """The change collides with what is there."""

    code = "conflict"


class QuotaExceeded(DomainError):
    """A plan's quota or the organisation's own cap is reached."""

    code = "quota_exceeded"


class RateLimited(DomainError):
    """Too many requests in the window. `retry_after` is in seconds."""

    code = "rate_limited"


class TooLarge(DomainError):
    """The body is larger than this API takes."""

    code = "too_large"


class UnsupportedMedia(DomainError):
    """The body's media type is not one this route reads."""

    code = "unsupported_media"


class MethodNotAllowed(DomainError):
    """The path exists, the method does not. `allow` lists the methods that do."""

    code = "method_not_allowed"


class Unavailable(DomainError):
    """Something this answer needs is away for now; the same request may work later."""

    code = "unavailable"


class Contended(Unavailable):
    """Others kept changing the same things at the same time, so that nothing was done."""
