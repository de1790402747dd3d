"""Converts a request of the Lambda Web Adapter back to its API Gateway proxy event."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

_CONTEXT = "x-amzn-request-context"


def proxy_event(scope: dict[str, Any]) -> dict[str, Any]:
    """Returns the event, without a body. The adapter overwrites its own headers, so clients cannot forge them."""
    headers = _collected((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    context = headers.pop(_CONTEXT, ["{}"])[-1]
    query = _collected(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    return {
        "path": scope.get("raw_path", scope["path"].encode()).decode("latin-1"),
        "httpMethod": scope["method"],
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "requestContext": json.loads(context) or {},
        "body": None,
        "isBase64Encoded": False,
    }


def _collected(pairs: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found
