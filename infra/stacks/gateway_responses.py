"""API Gateway's own error responses, in the dialect of the called API."""

from __future__ import annotations

from aws_cdk import aws_apigateway as apigateway

from switchboard.dialects.anima.dialect import Anima
from switchboard.dialects.athos.dialect import Athos
from switchboard.dialects.callbacks.dialect import Callbacks
from switchboard.dialects.callbacks.stripe import StripeCallbacks
from switchboard.dialects.callbacks.twilio import TwilioCallbacks
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.mcp.dialect import Mcp
from switchboard.dialects.opticomm.dialect import OptiComm
from switchboard.edge.dialect import Dialect

DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect for dialect in (Anima(), OptiComm(), Athos(), Hum(), Mcp(), Callbacks())
}
DIALECTS["twilio"] = TwilioCallbacks()
DIALECTS["stripe"] = StripeCallbacks()

#: Every response type with the status that the caller gets. By default, API Gateway would respond 403 for an unknown
#: path and for malformed credentials.
STATUS: dict[str, int] = {
    "ACCESS_DENIED": 403,
    "API_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_FAILURE": 500,
    "BAD_REQUEST_BODY": 400,
    "BAD_REQUEST_PARAMETERS": 400,
    "DEFAULT_4XX": 400,
    "DEFAULT_5XX": 500,
    "EXPIRED_TOKEN": 401,
    "INTEGRATION_FAILURE": 503,
    "INTEGRATION_TIMEOUT": 503,
    "INVALID_API_KEY": 401,
    "INVALID_SIGNATURE": 401,
    "MISSING_AUTHENTICATION_TOKEN": 404,
    "QUOTA_EXCEEDED": 429,
    "REQUEST_TOO_LARGE": 413,
    "RESOURCE_NOT_FOUND": 404,
    "THROTTLED": 429,
    "UNAUTHORIZED": 401,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "WAF_FILTERED": 403,
}
#: If a dialect has no code for a status, the response has the dialect's nearest code (docs/contracts/anima.md#errors,
#: docs/contracts/opticomm.md#errors, docs/contracts/athos.md#errors, docs/contracts/hum.md#errors).
NEAREST: dict[str, dict[str, str]] = {
    "anima": {"4": "VALIDATION_ERROR", "5": "INTERNAL_ERROR"},
    "opticomm": {"4": "INVALID_ACTION", "5": "INTERNAL_ERROR"},
    "athos": {"4": "INVALID_REQUEST", "5": "INTERNAL_ERROR"},
    "hum": {"4": "invalid_request", "5": "internal_error"},
    # A code says what happened, and a number which kind of error of JSON-RPC it is.
    "mcp": {"4": "invalid_request", "5": "internal_error"},
    # Callbacks have no codes: the response is the status only.
    "callbacks": {"4": "", "5": ""},
    "twilio": {"4": "", "5": ""},
    "stripe": {"4": "", "5": ""},
}
_HEADERS = {"x-request-id": "context.requestId", "Cache-Control": "'no-store'", "X-Content-Type-Options": "'nosniff'"}
#: Headers that only one dialect has on every response.
_OWN_HEADERS = {
    "anima": {"x-correlation-id": "context.requestId"},
    # Some paths allow calls from other origins, and these error responses are the same on every path. So a script may
    # read them on all paths, but the preflight of the other paths stops its requests.
    "athos": {
        "X-Athos-Request-Id": "context.requestId",
        "Access-Control-Allow-Origin": "'*'",
        "Access-Control-Expose-Headers": "'X-Athos-Request-Id'",
    },
    # A browser does not give such a response to a script that sent cookies.
    "hum": {"Access-Control-Allow-Origin": "'*'", "Access-Control-Expose-Headers": "'x-request-id'"},
}


def add_gateway_responses(rest: apigateway.RestApi, api: str) -> None:
    """Add the error responses of an API's dialect."""
    dialect = DIALECTS[api]
    for kind, status in STATUS.items():
        body, media_type = dialect.gateway_body(status, NEAREST[api][str(status)[0]])
        rest.add_gateway_response(
            kind.title().replace("_", ""),
            type=apigateway.ResponseType.of(kind),
            status_code=str(status),
            # API Gateway uses the template of `application/json` for every Accept header. The Content-Type header has
            # the real media type.
            templates={"application/json": body},
            response_headers=_headers(api, status, media_type),
        )


def _headers(api: str, status: int, media_type: str) -> dict[str, str]:
    headers = _HEADERS | _OWN_HEADERS.get(api, {}) | {"Content-Type": f"'{media_type}'"}
    if status == 401:
        # A comma or a quote would end the quotes of the mapping, so the header has only the scheme.
        headers["WWW-Authenticate"] = f"'{DIALECTS[api].challenge().split()[0]}'"
    if status in (429, 503):
        headers["Retry-After"] = "'1'"
    return headers
