"""`/local/*`: addresses that only a local stack has. No deployed function contains this code."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from functions.portal import templates
from functions.portal.site import PAGE_POLICY
from infra.local import mail_pages
from switchboard.dialects.hum.dialect import COOKIE

PREFIX = "/local/"
_HERE = Path(__file__).parent
#: The names of this machine. A page of another site may let its own name lead here (DNS rebinding).
_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
#: `none` means that the person started the request: a typed address or a bookmark.
_OWN_SITES = frozenset({"same-origin", "none"})
#: HTML of a mail: no scripts and nothing from other hosts, even if somebody opens it outside of its frame.
_MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    " frame-ancestors 'self'"
)
_HTML = "text/html; charset=utf-8"

Answer = dict[str, Any]


class OwnPages:
    """Answers requests below `/local/`. `mails` is the folder of the sent mails."""

    def __init__(self, keys: Mapping[str, str], mails: Path) -> None:
        self._keys, self._mails = keys, mails
        self._pages: dict[str, Callable[[str, Mapping[str, str]], Answer]] = {
            "keys": self._show_keys,
            "mail": self._show_mail_page,
            "mail.js": self._send_mail_script,
            "mail.json": self._list_mails,
            "mail.html": self._show_mail,
        }

    def respond(self, method: str, path: str, query: str, headers: Mapping[str, str]) -> Answer:
        """Returns the response to a request. Header names are in lower case."""
        if not _is_ours(headers):
            return _refusal(HTTPStatus.FORBIDDEN, "This address serves only pages of this machine's own stack.")
        page = self._pages.get(path.removeprefix(PREFIX))
        if page is None:
            return _refusal(HTTPStatus.NOT_FOUND, "The local stack has no such address.")
        if method not in ("GET", "HEAD"):
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, "This address only supports GET.")
        return page(query, headers)

    def _show_keys(self, _query: str, _headers: Mapping[str, str]) -> Answer:
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

    def _show_mail_page(self, _query: str, headers: Mapping[str, str]) -> Answer:
        html = templates.render_page(
            (_HERE / "assets" / "mail.html").read_text(),
            "/local/mail",
            title="Sent mail",
            has_session=f"{COOKIE}=" in headers.get("cookie", ""),
        )
        # The mail's frame comes from this host too.
        return _answer(_HTML, html, f"{PAGE_POLICY}; frame-src 'self'")

    def _send_mail_script(self, _query: str, _headers: Mapping[str, str]) -> Answer:
        return _answer("text/javascript; charset=utf-8", (_HERE / "assets" / "mail.js").read_text())

    def _list_mails(self, query: str, _headers: Mapping[str, str]) -> Answer:
        if not (wanted := _id_of(query)):
            return _json(HTTPStatus.OK, {"mails": mail_pages.list_mails(self._mails)})
        found = mail_pages.find_mail(self._mails, wanted)
        return _json(HTTPStatus.OK, found) if found else _refusal(HTTPStatus.NOT_FOUND, "There is no such mail.")

    def _show_mail(self, query: str, _headers: Mapping[str, str]) -> Answer:
        html = mail_pages.find_html(self._mails, _id_of(query))
        return (
            _refusal(HTTPStatus.NOT_FOUND, "There is no such mail.")
            if html is None
            else _answer(_HTML, f'<base target="_blank">{html}', _MAIL_POLICY)
        )


def _id_of(query: str) -> str:
    return parse_qs(query).get("id", [""])[0]


def _is_ours(headers: Mapping[str, str]) -> bool:
    host = headers.get("host", "")
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name in _HOSTS and headers.get("sec-fetch-site", "none") in _OWN_SITES


def _refusal(status: HTTPStatus, message: str) -> Answer:
    return _json(status, {"error": status.phrase.lower(), "message": message})


def _json(status: HTTPStatus, body: Any) -> Answer:
    return {**_answer("application/json", json.dumps(body)), "statusCode": status}


def _answer(media_type: str, body: str, policy: str = "default-src 'none'") -> Answer:
    headers = {
        "content-type": media_type,
        "cache-control": "no-store",
        "content-security-policy": policy,
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
    }
    return {"statusCode": HTTPStatus.OK, "headers": headers, "body": body}
