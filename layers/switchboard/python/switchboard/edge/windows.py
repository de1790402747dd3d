"""The windows of a limit, as an answer's headers tell of them."""

from __future__ import annotations

from dataclasses import dataclass

from switchboard.aws import clock


@dataclass(slots=True)
class Window:
    """A limit and what is left of it. `reset` is when it is whole again, in seconds since 1970."""

    limit: int
    remaining: int
    reset: int
    length: int

    @property
    def wait(self) -> int:
        """Seconds until it is whole again."""
        return max(1, self.reset - int(clock.epoch()))


@dataclass(slots=True)
class Limits:
    """The state of both windows after a request, and whether the request was within them."""

    minute: Window
    second: Window
    allowed: bool = True

    @classmethod
    def at(
        cls, now: int, per_minute: int, per_second: int, minute_used: int, second_used: int, *, allowed: bool = True
    ) -> Limits:
        """Both windows at a moment, of which some is used."""
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
        """Seconds until the window that refused is open again."""
        return self.exhausted.wait

    def headers(self) -> dict[str, str]:
        """The contract's headers, and beside them those of the IETF's draft (draft-ietf-httpapi-ratelimit-headers)."""
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
