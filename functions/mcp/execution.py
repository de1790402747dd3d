"""`execute_operation`: calls an operation at the deployment's own public address, with the caller's own credential.

So a model has the rights, the limits and the errors of its caller, and no others. The request goes to no other host,
and no redirect is followed.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from functions.mcp.catalog import ApiOperation, Catalog, Json
from functions.mcp.credentials import Credential
from functions.mcp.requests import ApiRequest, BadArgumentsError, build_request
from switchboard import telemetry
from switchboard.kit import settings
from switchboard.outbound.client import ForbiddenTargetError, GuardedClient, NoResponseError, Response
from switchboard.outbound.loops import LOOP_HEADER

#: Lambda and API Gateway stop a request after 29 seconds.
SECONDS = 24
#: Bytes of a body that a model gets, and bytes that are read to find out whether there is more.
MAX_BODY_BYTES = 40_000
_READ_BYTES = 262_144
_FIRST_ERROR = 400
_SHOWN_HEADERS = ("x-request-id", "x-athos-request-id", "retry-after", "location", "idempotent-replayed", "allow")


class ToolAnswer(NamedTuple):
    """The text of a tool's answer, and whether it is an error."""

    text: str
    is_error: bool = False


async def execute_operation(
    catalog: Catalog, credential: Credential, operation_id: str, arguments: Json, *, confirm: bool
) -> ToolAnswer:
    """Calls an operation and returns its response. A refusal before the call says that nothing was sent."""
    found = catalog.find_operations(operation_id)
    if len(found) != 1:
        return _refuse_name(catalog, operation_id, found)
    (operation,) = found
    if operation.refusal:
        return _refuse("not_executable", f"{operation.id} cannot be called by a tool. {operation.refusal}")
    if credential.api != operation.api:
        return _refuse(
            "other_api",
            f"{operation.id} needs a credential of the API {operation.api}. This connection has one of"
            f" {credential.api}: connect with a credential of {operation.api}.",
        )
    if credential.is_bound_to_addresses:
        return _refuse(
            "key_bound_to_addresses",
            "This key works only from some IP addresses, and the requests of this tool come from the platform: connect"
            " with a key without an IP allowlist.",
        )
    try:
        request = build_request(operation, arguments)
    except BadArgumentsError as bad:
        return _refuse(
            "invalid_arguments",
            f"The arguments do not fit {operation.id}: see the problems. search_api shows its parameters and body.",
            problems=bad.problems,
        )
    if operation.needs_confirmation(arguments.get("body")) and not confirm:
        return _refuse(
            "confirmation_required",
            f"{operation.id} ({operation.summary}) changes data, sends something or costs money. Ask the person if they"
            " want this, then call again with confirm: true.",
            request={"method": request.method, "path": request.target},
        )
    return await _send(operation, request, credential)


async def _send(operation: ApiOperation, request: ApiRequest, credential: Credential) -> ToolAnswer:
    base = settings.text("PUBLIC_URL", "").rstrip("/")
    if not base:
        return _refuse(
            "no_public_address", "This deployment has no domain, so its tools cannot call it: use the API directly."
        )
    headers = {**request.headers, **credential.headers, LOOP_HEADER: "1", "user-agent": "Switchboard-MCP"}
    async with GuardedClient(max_body=_READ_BYTES) as web:
        try:
            response = await web.send(request.method, base + request.target, headers, request.body, SECONDS)
        except ForbiddenTargetError as error:
            return _refuse("invalid_request", f"The request is not valid: {error}.")
        except NoResponseError as error:
            telemetry.logger().warning("no response", extra={"operation_id": operation.id, "why": str(error)})
            return _refuse_unknown(operation)
    telemetry.logger().info(
        "operation",
        extra={"operation_id": operation.id, "status": response.status, "ms": response.milliseconds},
    )
    return ToolAnswer(_dump(_view(operation, response)), response.status >= _FIRST_ERROR)


def _view(operation: ApiOperation, response: Response) -> Json:
    view: Json = {
        "operation_id": operation.id,
        "status": response.status,
        "headers": {name: response.headers[name] for name in _SHOWN_HEADERS if name in response.headers},
    }
    body, text = response.body, response.body.decode(errors="replace")
    if len(body) > MAX_BODY_BYTES:
        view |= {
            "body": body[:MAX_BODY_BYTES].decode(errors="ignore"),
            "truncated": True,
            "advice": "The body is longer than this text. Ask for fewer items with limit, or for one item.",
        }
        return view
    try:
        view["body"] = json.loads(text) if text else None
    except ValueError:
        view["body"] = text
    return view


def _refuse_name(catalog: Catalog, name: str, found: list[ApiOperation]) -> ToolAnswer:
    if found:
        ids = [one.id for one in found]
        return _refuse("ambiguous_operation", f"Several APIs have this operation: use {' or '.join(ids)}.", ids=ids)
    return _refuse(
        "unknown_operation",
        "There is no such operation: find its id with search_api.",
        similar=catalog.suggest_ids(name),
    )


def _refuse_unknown(operation: ApiOperation) -> ToolAnswer:
    """Answers that the outcome is unknown: the request may have arrived."""
    what = (
        "Its effect is unknown: look if it happened, or repeat it with the same Idempotency-Key."
        if operation.method != "GET"
        else "Try again."
    )
    return ToolAnswer(
        _dump({"error": "no_response", "message": f"{operation.id} did not answer in time. {what}"}), True
    )


def _refuse(code: str, message: str, **details: Any) -> ToolAnswer:
    return ToolAnswer(_dump({"error": code, "message": message, "sent": False, **details}), True)


def _dump(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # JSON may name half of a surrogate pair, which is no text.
    return text.encode(errors="replace").decode()
