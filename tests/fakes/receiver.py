"""An endpoint: the posts it received, and its responses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from switchboard.outbound.client import Response

Behavior = Response | Exception


def make_answer(status: int = 200, body: bytes = b"", milliseconds: int = 5, **headers: str) -> Response:
    """A response; `retry_after` is the header Retry-After."""
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, milliseconds)


@dataclass(frozen=True)
class Received:
    """A received post."""

    url: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Receiver:
    """Accepts every post. It returns the next response in line, or 200."""

    got: list[Received] = field(default_factory=list)
    answers: list[Behavior] = field(default_factory=list)
    by_url: dict[str, Behavior] = field(default_factory=dict)
    #: The timeout of each post.
    seconds: list[float] = field(default_factory=list)
    before: Callable[[], None] = lambda: None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Response:
        self.before()
        self.seconds.append(seconds)
        self.got.append(Received(url, dict(headers), body))
        found = self.by_url.get(url) or (self.answers.pop(0) if self.answers else make_answer())
        if isinstance(found, Exception):
            raise found
        return found

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.got]
