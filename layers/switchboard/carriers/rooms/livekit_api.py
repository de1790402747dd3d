"""LiveKit's server: signs tickets for its rooms, and sends requests to its API.

Settings: LIVEKIT_URL, LIVEKIT_API_KEY, and LIVEKIT_SECRET, the name of a secret in Secrets Manager.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

from switchboard.aws import secret
from switchboard.kit import clock, jwts, settings
from switchboard.outbound.errors import NoResponseError

#: The timeout of a request to the server's API, and the lifetime of a token for it.
_SECONDS, _API_TOKEN_SECONDS = 5.0, 60


class LiveKitDownError(Exception):
    """The server cannot be reached, or refused the request."""


def api_key() -> str:
    """Returns the API key that signs for this deployment."""
    return settings.text("LIVEKIT_API_KEY")


def api_secret() -> bytes:
    """Returns the newest secret of the API key. During a rotation, the older secret still verifies reports."""
    return secret.active_secrets(settings.text("LIVEKIT_SECRET"))[0].encode()


def send_request(method: str, grant: dict[str, Any], body: dict[str, Any]) -> dict[str, Any] | None:
    """Sends a request to a method of the API, such as `RoomService/DeleteRoom`, with a token for this grant.

    Returns the response, or `None` if there is no such room. Raises LiveKitDownError.
    """
    now = int(clock.epoch())
    claims = {"iss": api_key(), "nbf": now, "exp": now + _API_TOKEN_SECONDS, "video": grant}
    token = jwts.sign_claims(claims, api_secret())
    url = settings.text("LIVEKIT_URL").replace("ws", "http", 1).rstrip("/")
    try:
        status, text = asyncio.run(_post(f"{url}/twirp/livekit.{method}", token, json.dumps(body).encode()))
    except NoResponseError as error:
        raise LiveKitDownError(f"LiveKit cannot be reached: {error.reason}") from error
    if status == HTTPStatus.NOT_FOUND:
        return None
    if status != HTTPStatus.OK:
        raise LiveKitDownError(f"LiveKit returned the status {status}")
    return _parse(text)


def delete_room(name: str) -> None:
    """Deletes a room, which disconnects its participants. Succeeds if there is no such room."""
    send_request("RoomService/DeleteRoom", {"roomCreate": True}, {"room": name})


def _parse(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


async def _post(url: str, token: str, body: bytes) -> tuple[int, bytes]:
    from switchboard.outbound.client import GuardedClient  # for cold start: loaded with the first request

    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    async with GuardedClient() as web:
        found = await web.post(url, headers, body, _SECONDS)
        return found.status, found.body
