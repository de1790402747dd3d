"""Requests to an Api of the test's own, as API Gateway passes them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra import topology
from infra.local.pool import Context
from switchboard.edge.api import Api

_CONTEXT = topology.function("anima/email")


@dataclass(frozen=True)
class Answer:
    """An answer: its status, its body, and its headers with lower-case names."""

    status: int
    body: str
    headers: dict[str, str]


def send_request(
    api: Api,
    method: str,
    path: str,
    body: bytes | None = None,
    *,
    headers: Mapping[str, str | list[str]] | None = None,
    binary: bool = True,
    query: Mapping[str, list[str]] | None = None,
    address: str = "203.0.113.9",
) -> Answer:
    """Send a request. Its body is base64, or text if its type is not among the API's binary types.

    A header with a list of values is sent once for each.
    """
    several = {name: [value] if isinstance(value, str) else value for name, value in (headers or {}).items()}
    event: dict[str, Any] = {
        "httpMethod": method,
        "path": path,
        "headers": {name: values[-1] for name, values in several.items()},
        "multiValueHeaders": several,
        "multiValueQueryStringParameters": query,
        "requestContext": {"identity": {"sourceIp": address}},
        "body": None,
        "isBase64Encoded": False,
    }
    if body is not None:
        event["body"] = base64.b64encode(body).decode() if binary else body.decode()
        event["isBase64Encoded"] = binary
    answer = api.handler(event, Context(_CONTEXT))
    assert answer["isBase64Encoded"] is False
    return Answer(
        answer["statusCode"], answer["body"], {name.lower(): text for name, text in answer["headers"].items()}
    )
