"""The simulated provider's callbacks: `/callbacks/simulator/line` and `/callbacks/simulator/talk`.

A callback is one report, written in our own words as JSON. It is signed as ElevenLabs signs, with a secret of the
organization whose call it is, so that no organization's callbacks count against another's.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from pydantic import ValidationError

from switchboard.aws import clock, secret
from switchboard.carriers import signatures
from switchboard.carriers.voice.reports import Kind, Report, SignedRequest, Unreadable

PATHS = {"line": "/callbacks/simulator/line", "talk": "/callbacks/simulator/talk"}
_ACCOUNT, _SIGNATURE = "simulator-account", "simulator-signature"
_OF_TALK: frozenset[Kind] = frozenset({"turn", "tool", "opt_out", "analyzed"})
_OF_LINE: frozenset[Kind] = frozenset(get_args(Kind)) - _OF_TALK


@dataclass(frozen=True, slots=True)
class Callback:
    """A signed request, as it is posted and as it arrives."""

    path: str
    headers: dict[str, str]
    body: bytes
    parameters: Sequence[tuple[str, str]] = ()

    @property
    def url(self) -> str:
        """The path alone: the simulated provider does not sign where it posts to."""
        return self.path

    def header(self, name: str) -> str:
        """The value of a header. Empty where it is missing."""
        return self.headers.get(name, "")


def sign(report: Report) -> Callback:
    """The callback that tells a report."""
    body = report.model_dump_json(exclude_none=True).encode()
    at = str(int(clock.epoch()))
    mac = hmac.new(_secret(report.org_id).encode(), at.encode() + b"." + body, "sha256").hexdigest()
    headers = {"content-type": "application/json", _ACCOUNT: report.org_id, _SIGNATURE: f"t={at},v0={mac}"}
    return Callback(PATHS["talk" if report.kind in _OF_TALK else "line"], headers, body)


@dataclass(frozen=True, slots=True)
class CallbackReceiver:
    """Takes what is posted to one of the two paths."""

    kinds: frozenset[Kind]

    def verify(self, request: SignedRequest) -> str | None:
        """The organization whose call it is, if the simulated provider signed the request."""
        org_id = request.header(_ACCOUNT)
        if not org_id or len(org_id) > 100:
            return None
        header = request.header(_SIGNATURE)
        good = signatures.verify_elevenlabs(request.body, header, [_secret(org_id)], clock.epoch())
        return org_id if good else None

    def read(self, request: SignedRequest) -> list[Report]:
        """The report of a callback. Raises Unreadable."""
        try:
            report = Report.model_validate_json(request.body)
        except ValidationError as error:
            raise Unreadable("the callback is no report") from error
        if report.org_id != request.header(_ACCOUNT) or report.kind not in self.kinds:
            raise Unreadable("the callback belongs elsewhere")
        return [report]


LINE, TALK = CallbackReceiver(_OF_LINE), CallbackReceiver(_OF_TALK)


def receiver_of(path: str) -> CallbackReceiver:
    """Who takes the callbacks of a path."""
    return TALK if path == PATHS["talk"] else LINE


def _secret(org_id: str) -> str:
    return secret.derive("simulated voice provider", org_id).hex()
