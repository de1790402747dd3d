"""Requests as API Gateway hands them over."""

from __future__ import annotations

import json
from typing import Any

from infra.local.gateway import proxy_event


def api_event(method: str, target: str, headers: dict[str, str], body: Any = None) -> dict[str, Any]:
    """A request as API Gateway gives it to a function."""
    path, _, query = target.partition("?")
    text = json.dumps(body).encode() if body is not None else b""
    sent = {"host": "localhost", "accept": "application/json", "user-agent": "load", **headers}
    if body is not None:
        sent |= {"content-type": "application/json", "content-length": str(len(text))}
    pairs = [(name.encode(), value.encode()) for name, value in sent.items()]
    scope = {"method": method, "headers": pairs, "query_string": query.encode(), "http_version": "1.1"}
    return proxy_event(scope, path, text)
