"""The windows of a rate limit, and the response headers that report them."""

from __future__ import annotations

from dataclasses import dataclass

from switchboard.kit import clock


@dataclass(slots=True)
class Window:
    """A limit and the requests left. `reset` is the end of the window in seconds since 1970; `length` is in seconds."""

    limit: int
    remaining: int
    reset: int
    length: int

    @property
    def wait(self) -> int:
        """Seconds until the window ends, at least 1."""
        return max(1, self.reset - int(clock.epoch()))


@dataclass(slots=True)
class Limits:
    """The state of both windows after a request, and whether the request was allowed."""

    minute: Window
    second: Window
    allowed: bool = True

    @classmethod
    def at(
        cls, now: int, per_minute: int, per_second: int, minute_used: int, second_used: int, *, allowed: bool = True
    ) -> Limits:
        """Returns both windows at a time in seconds since 1970, with the used requests."""
        return cls(
            minute=Window(per_minute, max(0, per_minute - minute_used), (now // 60 + 1) * 60, 60),
            second=Window(per_second, max(0, per_second - second_used), now + 1, 1),
            allowed=allowed,
        )

    @property
    def exhausted(self) -> Window:
        """The window that refused the request."""
        return self.second if self.second.remaining == 0 and self.minute.remaining > 0 else self.minute

    @property
    def retry_after(self) -> int:
        """Seconds until the full window ends."""
        return self.exhausted.wait

    def headers(self) -> dict[str, str]:
        """Returns the contract's headers and those of the IETF draft (draft-ietf-httpapi-ratelimit-headers)."""
        minute, second, now = self.minute, self.second, int(clock.epoch())
        return {
            "X-RateLimit-Limit": str(minute.limit),
            "X-RateLimit-Remaining": str(minute.remaining),
            "X-RateLimit-Reset": str(minute.reset),
            "X-RateLimit-Sec-Limit": str(second.limit),
            "X-RateLimit-Sec-Remaining": str(second.remaining),
            "X-RateLimit-Sec-Reset": str(second.reset),
            "RateLimit-Policy": f'"minute";q={minute.limit};w=60, "second";q={second.limit};w=1',
            "RateLimit": f'"minute";r={minute.remaining};t={max(0, minute.reset - now)},'
            f' "second";r={second.remaining};t={max(0, second.reset - now)}',
        }
