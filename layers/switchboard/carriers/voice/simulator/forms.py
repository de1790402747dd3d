"""The simulated provider's signed forms, as Twilio posts them, and the way to post one.

Forms are posted to the setting CALLBACKS_URL. Without this setting, as in a deployment without a domain, the same
process receives the form itself.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from switchboard.carriers.voice.twilio import accounts
from switchboard.kit import settings

#: The queue of the worker that is the simulated provider.
SIMULATOR_QUEUE = "simulator"
_FORM = "application/x-www-form-urlencoded"
#: As long as Twilio waits for an answer.
_POST_SECONDS = 15.0


class CallbackRefusedError(RuntimeError):
    """The callback was not accepted. The queue posts it again."""


@dataclass(frozen=True, slots=True)
class SimulatedForm:
    """A signed form."""

    path: str
    parameters: list[tuple[str, str]]
    signature: str

    @property
    def url(self) -> str:
        """The public URL of the callback, or its path without the setting PUBLIC_URL."""
        return public_url(self.path)

    @property
    def body(self) -> bytes:
        """The encoded form."""
        return urlencode(self.parameters).encode()

    def header(self, name: str) -> str:
        """Returns the value of a header. Empty if it is missing."""
        return self.signature if name == "x-twilio-signature" else ""


#: Receives a form in this process, and returns the answer. For a deployment without a domain.
LocalReceiver = Callable[[SimulatedForm], str]


def public_url(path: str) -> str:
    """Returns the URL that a signature covers."""
    return f"{settings.text('PUBLIC_URL', '').rstrip('/')}{path}"


def sign_form(org_id: str, path: str, parameters: dict[str, str]) -> SimulatedForm:
    """Returns a form, signed as Twilio signs, with the token of the organization's simulated account."""
    text = public_url(path) + "".join(name + parameters[name] for name in sorted(parameters))
    token = accounts.simulated_token(org_id).encode()
    signature = base64.b64encode(hmac.digest(token, text.encode(), "sha1")).decode()
    return SimulatedForm(path, list(parameters.items()), signature)


def post_form(form: SimulatedForm, receive: LocalReceiver) -> str:
    """Posts a form, and returns the answer. Raises CallbackRefusedError."""
    base = settings.text("CALLBACKS_URL", "")
    if not base:
        return receive(form)
    status, text = asyncio.run(_send(base.rstrip("/") + form.path, form))
    if status != HTTPStatus.OK:
        raise CallbackRefusedError(f"the callback got status {status}")
    return text


async def _send(url: str, form: SimulatedForm) -> tuple[int, str]:
    from switchboard.outbound.client import GuardedClient  # for cold start: loaded with the first callback

    headers = {"content-type": _FORM, "x-twilio-signature": form.signature}
    async with GuardedClient() as web:
        answer = await web.post(url, headers, form.body, _POST_SECONDS)
    return answer.status, answer.body.decode()
