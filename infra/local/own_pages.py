"""`/local/*`: addresses that only a local stack has. No deployed function contains this code."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

PREFIX = "/local/"
#: The names of this machine. A page of another site may let its own name lead here (DNS rebinding).
_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
#: `none` means that the person started the request: a typed address or a bookmark.
_OWN_SITES = frozenset({"same-origin", "none"})

Answer = dict[str, Any]


class OwnPages:
    """Answers requests below `/local/`."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = keys
        self._pages: dict[str, Callable[[], Answer]] = {"keys": self._show_keys}

    def respond(self, method: str, path: str, headers: Mapping[str, str]) -> Answer:
        """Returns the response to a request. Header names are in lower case."""
        if not _is_ours(headers):
            return _refusal(HTTPStatus.FORBIDDEN, "This address serves only pages of this machine's own stack.")
        page = self._pages.get(path.removeprefix(PREFIX))
        if page is None:
            return _refusal(HTTPStatus.NOT_FOUND, "The local stack has no such address.")
        if method not in ("GET", "HEAD"):
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, "Use GET.")
        return page()

    def _show_keys(self) -> Answer:
        keys = self._keys
        return _json(
            HTTPStatus.OK,
            {
                "anima": {
                    "agent": keys["ANIMA_AGENT_KEY"],
                    "master": keys["ANIMA_MASTER_KEY"],
                    "agent_id": keys["ANIMA_AGENT_ID"],
                },
                "opticomm": {
                    "test": keys["OPTICOMM_TEST_KEY"],
                    "live": keys["OPTICOMM_LIVE_KEY"],
                    "agent_id": keys["OPTICOMM_AGENT_ID"],
                },
                "athos": {"key": keys["ATHOS_KEY"]},
                "hum": {"session": keys["HUM_SESSION"]},
                "widget": {"key": keys["WIDGET_KEY"]},
            },
        )


def _is_ours(headers: Mapping[str, str]) -> bool:
    host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
    return host in _HOSTS and headers.get("sec-fetch-site", "none") in _OWN_SITES


def _refusal(status: HTTPStatus, message: str) -> Answer:
    return _json(status, {"error": status.phrase.lower(), "message": message})


def _json(status: HTTPStatus, body: Any) -> Answer:
    headers = {"content-type": "application/json", "cache-control": "no-store", "x-content-type-options": "nosniff"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(body)}
