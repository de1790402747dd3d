"""The simulated talker's requests to use a tool: signed callbacks whose answer is the result.

Requests are posted to the setting CALLBACKS_URL. Without this setting, as in a deployment without a domain, the same
process receives the request itself.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from http import HTTPStatus

from pydantic import ValidationError

from switchboard.carriers.voice.ports.reports import SignedCallback, UnreadableCallbackError
from switchboard.carriers.voice.ports.tools import TalkToolCall, TalkToolResult
from switchboard.carriers.voice.simulator import callbacks
from switchboard.carriers.voice.simulator.callbacks import SimulatedCallback
from switchboard.carriers.voice.simulator.forms import CallbackRefusedError
from switchboard.kit import settings

PATH = "/callbacks/tools/simulator"
#: Longer than a tool may take.
_POST_SECONDS = 25.0
#: The longest time of a step in which a talker uses a tool, with the reads and writes around it.
STEP_SECONDS = _POST_SECONDS + 3
#: Receives a request in this process, and returns the result. For a deployment without a domain.
ToolReceiver = Callable[[SimulatedCallback], TalkToolResult]


def read_tool_call(request: SignedCallback) -> TalkToolCall:
    """Returns the use that a verified request asks for. Raises UnreadableCallbackError."""
    try:
        asked = TalkToolCall.model_validate_json(request.body)
    except ValidationError as error:
        raise UnreadableCallbackError("the request is not a use of a tool") from error
    if asked.org_id != callbacks.account_of(request):
        raise UnreadableCallbackError("the request does not belong to this account")
    return asked


def ask_for_tool(asked: TalkToolCall, receive: ToolReceiver) -> TalkToolResult:
    """Asks the platform to run a tool, and returns its result. Raises CallbackRefusedError."""
    request = callbacks.sign_body(asked.org_id, PATH, asked.model_dump_json().encode())
    base = settings.text("CALLBACKS_URL", "")
    if not base:
        return receive(request)
    status, body = asyncio.run(_send(base.rstrip("/") + PATH, request))
    if status != HTTPStatus.OK:
        raise CallbackRefusedError(f"the request for a tool got status {status}")
    answer = json.loads(body)
    return TalkToolResult(answer["result"], answer["done"])


async def _send(url: str, request: SimulatedCallback) -> tuple[int, bytes]:
    from switchboard.outbound.client import GuardedClient  # for cold start: loaded with the first request

    async with GuardedClient() as web:
        answer = await web.post(url, request.headers, request.body, _POST_SECONDS)
    return answer.status, answer.body
