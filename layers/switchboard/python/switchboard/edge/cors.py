"""Cross-origin requests (CORS), for the few operations that browsers of other origins call.

No browser sends its own credentials along: what opens such an operation is in the request. A policy says from which
origins scripts may call it: from any, or from those that the token in the request allows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from switchboard.errors import Forbidden, Invalid
from switchboard.kit import origins

if TYPE_CHECKING:
    from switchboard.edge.call import Call
    from switchboard.edge.http import Request

#: For how long a browser may remember what it was told, in seconds: as long as any of them does.
_REMEMBERED = 7_200
_ALLOWED = ("Authorization", "Content-Type")


@dataclass(frozen=True)
class Policy(ABC):
    """The origins whose scripts may call an operation."""

    #: Whether the caller's token says which.
    by_token: ClassVar[bool] = False

    @abstractmethod
    def ask(self, request: Request) -> str | None:
        """Answer a browser that asks before it calls: the origin that is told yes. Raises Forbidden."""

    @abstractmethod
    def admit(self, call: Call) -> str | None:
        """The origin of a call that was authenticated, if it may call. Raises Forbidden."""

    @abstractmethod
    def headers(self, call: Call, exposed: Sequence[str]) -> dict[str, str]:
        """What an answer carries, so that a script may read it, or so that no other script is given it."""


@dataclass(frozen=True)
class AnyOrigin(Policy):
    """Every origin. Any script may read every answer, the refusals too."""

    def ask(self, request: Request) -> str | None:  # noqa: ARG002 it is no matter
        return None

    def admit(self, call: Call) -> str | None:  # noqa: ARG002 it is no matter
        return None

    def headers(self, call: Call, exposed: Sequence[str]) -> dict[str, str]:  # noqa: ARG002 it is no matter
        return _readable("*", exposed)


@dataclass(frozen=True)
class TokenOrigins(Policy):
    """The origins that the caller's token allows. The operation's scheme reads them into `call.origins`.

    A browser asks before it shows the token, so it is told yes for every origin that a token could allow. The call
    itself is refused unless its own token allows the origin, and no script can read that refusal.
    """

    by_token = True

    def ask(self, request: Request) -> str | None:
        return _origin_of(request)

    def admit(self, call: Call) -> str | None:
        origin = _origin_of(call.request)
        if not origins.is_allowed(origin, call.origins):
            raise _refused()
        return origin

    def headers(self, call: Call, exposed: Sequence[str]) -> dict[str, str]:
        # A cache may not give one origin's answer to another, a refusal least of all.
        varies = {"Vary": "Origin"}
        # As the browser wrote it: it compares letter by letter.
        return varies | (_readable(call.request.values("origin")[0], exposed) if call.origin else {})


def preflight(methods: Sequence[str]) -> dict[str, str]:
    """What the answer to a browser's question says besides."""
    return {
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": ", ".join(_ALLOWED),
        "Access-Control-Max-Age": str(_REMEMBERED),
    }


def _readable(origin: str, exposed: Sequence[str]) -> dict[str, str]:
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": ", ".join(exposed)}


def _origin_of(request: Request) -> str:
    try:
        return origins.normalize_origin(request.header("origin") or "")
    except (ValueError, Invalid):
        raise _refused() from None


def _refused() -> Forbidden:
    return Forbidden(
        "This token may not be used from here: call from one of its allowed origins.", code="origin_not_allowed"
    )
