"""The simulated provider's callbacks: `/callbacks/simulator/line` and `/callbacks/simulator/talk`.

A callback is one report as JSON. It has a signature in the form of ElevenLabs, with a secret of the call's
organization, so that callbacks of one organization do not count against another.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from pydantic import ValidationError

from switchboard.aws import secret
from switchboard.carriers import signatures
from switchboard.carriers.voice.ports.reports import Report, ReportKind, SignedCallback, UnreadableCallbackError
from switchboard.kit import clock

PATHS = {"line": "/callbacks/simulator/line", "talk": "/callbacks/simulator/talk"}
_ACCOUNT, _SIGNATURE = "simulator-account", "simulator-signature"
_OF_TALK: frozenset[ReportKind] = frozenset({"turn", "tool", "opt_out", "analyzed"})
_OF_LINE: frozenset[ReportKind] = frozenset(get_args(ReportKind)) - _OF_TALK


@dataclass(frozen=True, slots=True)
class SimulatedCallback:
    """A signed request."""

    path: str
    headers: dict[str, str]
    body: bytes
    parameters: Sequence[tuple[str, str]] = ()

    @property
    def url(self) -> str:
        """The path: the simulated provider does not sign the rest of the URL."""
        return self.path

    def header(self, name: str) -> str:
        """Returns the value of a header. Empty if it is missing."""
        return self.headers.get(name, "")


def sign(report: Report) -> SimulatedCallback:
    """Returns the signed callback for a report."""
    path = PATHS["talk" if report.kind in _OF_TALK else "line"]
    return sign_body(report.org_id, path, report.model_dump_json(exclude_none=True).encode())


def sign_body(org_id: str, path: str, body: bytes) -> SimulatedCallback:
    """Returns a signed request with a body of JSON."""
    at = str(int(clock.epoch()))
    mac = hmac.new(_secret(org_id).encode(), at.encode() + b"." + body, "sha256").hexdigest()
    headers = {"content-type": "application/json", _ACCOUNT: org_id, _SIGNATURE: f"t={at},v0={mac}"}
    return SimulatedCallback(path, headers, body)


def account_of(request: SignedCallback) -> str:
    """Returns the organization that a request names. Its signature has to be verified before."""
    return request.header(_ACCOUNT)


@dataclass(frozen=True, slots=True)
class CallbackReceiver:
    """Receives the callbacks of one of the two paths."""

    kinds: frozenset[ReportKind]

    def verify_signature(self, request: SignedCallback) -> str | None:
        """Returns the organization of the call, or `None` for an invalid signature."""
        org_id = request.header(_ACCOUNT)
        if not org_id or len(org_id) > 100:
            return None
        header = request.header(_SIGNATURE)
        good = signatures.verify_elevenlabs(request.body, header, [_secret(org_id)], clock.epoch())
        return org_id if good else None

    def read_reports(self, request: SignedCallback) -> list[Report]:
        """Returns the report of a callback. Raises UnreadableCallbackError."""
        try:
            report = Report.model_validate_json(request.body)
        except ValidationError as error:
            raise UnreadableCallbackError("the callback is not a report") from error
        if report.org_id != request.header(_ACCOUNT) or report.kind not in self.kinds:
            raise UnreadableCallbackError("the callback does not belong to this account or path")
        return [report]


LINE_RECEIVER, TALK_RECEIVER = CallbackReceiver(_OF_LINE), CallbackReceiver(_OF_TALK)


def find_receiver(path: str) -> CallbackReceiver:
    """Returns the receiver of a path's callbacks."""
    return TALK_RECEIVER if path == PATHS["talk"] else LINE_RECEIVER


def _secret(org_id: str) -> str:
    return secret.derive("simulated voice provider", org_id).hex()
