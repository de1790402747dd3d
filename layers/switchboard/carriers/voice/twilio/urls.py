"""The addresses of Twilio's callbacks. They have no query: the edge refuses one, and Twilio signs the whole URL.

| address | used for |
|---|---|
| `/twilio/voice/<number>` and below | calls to one of our numbers |
| `/twilio/voice/calls/<organization>/<call>` and below | calls that we placed, and our changes of calls in progress |
"""

from __future__ import annotations

from typing import Literal

from switchboard.carriers.outcomes import RefusedError
from switchboard.kit import settings

BASE_PATH = "/twilio/voice/"
CALLS_PATH = f"{BASE_PATH}calls/"

#: The callbacks of a call of ours, by the last part of their path. The first script has no such part.
CallPart = Literal["", "status", "machine", "message", "recording"]


def call_path(org_id: str, call_id: str) -> str:
    """Returns the path of a call of ours."""
    return f"{CALLS_PATH}{org_id}/{call_id}"


def call_url(org_id: str, call_id: str, part: CallPart = "") -> str:
    """Returns the public URL of a callback. Raises RefusedError if the deployment has no public URL."""
    return _public_base() + call_path(org_id, call_id) + (f"/{part}" if part else "")


def transfer_url(org_id: str, call_id: str, to_number: str) -> str:
    """Returns the public URL of the script that transfers a call. Raises RefusedError as `call_url` does."""
    return f"{_public_base()}{call_path(org_id, call_id)}/transfer/{to_number.removeprefix('+')}"


def _public_base() -> str:
    base = settings.text("PUBLIC_URL", "").rstrip("/")
    if not base:
        raise RefusedError("the deployment has no public URL for the line's callbacks")
    return base
