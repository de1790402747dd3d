"""What API Gateway answers by itself, in the dialect of the API that was called."""

from __future__ import annotations

from aws_cdk import aws_apigateway as apigateway

from switchboard.edge.dialect import Dialect
from switchboard.edge.dialects.anima import Anima
from switchboard.edge.dialects.athos import Athos
from switchboard.edge.dialects.callbacks import Callbacks
from switchboard.edge.dialects.hum import Hum
from switchboard.edge.dialects.opticomm import OptiComm

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (Anima(), OptiComm(), Athos(), Hum(), Callbacks())}

#: Every response type, with the status that the caller gets. API Gateway says 403 of a path that is not there, and of
#: credentials that it cannot read.
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
#: A status for which a dialect has no word of its own takes the nearest declared one
#: (docs/contracts/common.md#errors-without-a-code).
NEAREST: dict[str, dict[str, str]] = {
    "anima": {"4": "VALIDATION_ERROR", "5": "INTERNAL_ERROR"},
    "opticomm": {"4": "INVALID_ACTION", "5": "INTERNAL_ERROR"},
    "athos": {"4": "INVALID_REQUEST", "5": "INTERNAL_ERROR"},
    "hum": {"4": "invalid_request", "5": "internal_error"},
    # It says nothing but the status.
    "callbacks": {"4": "", "5": ""},
}
_HEADERS = {"x-request-id": "context.requestId", "Cache-Control": "'no-store'", "X-Content-Type-Options": "'nosniff'"}
#: The headers that one dialect alone has on every answer.
_OWN_HEADERS = {
    "anima": {"x-correlation-id": "context.requestId"},
    # One path of it may be called from other origins, and these refusals are the same on every path: a script may read
    # them, though the other paths' preflight lets it come no further.
    "athos": {
        "X-Athos-Request-Id": "context.requestId",
        "Access-Control-Allow-Origin": "'*'",
        "Access-Control-Expose-Headers": "'X-Athos-Request-Id'",
    },
}


def add(rest: apigateway.RestApi, api: str) -> None:
    """Give an API the refusals of its dialect."""
    dialect = DIALECTS[api]
    for kind, status in STATUS.items():
        body, media_type = dialect.gateway_body(status, NEAREST[api][str(status)[0]])
        rest.add_gateway_response(
            kind.title().replace("_", ""),
            type=apigateway.ResponseType.of(kind),
            status_code=str(status),
            # The template of `application/json` is taken whatever the caller accepts; the header says what it is.
            templates={"application/json": body},
            response_headers=_headers(api, status, media_type),
        )


def _headers(api: str, status: int, media_type: str) -> dict[str, str]:
    headers = _HEADERS | _OWN_HEADERS.get(api, {}) | {"Content-Type": f"'{media_type}'"}
    if status == 401:
        # A comma or a quote inside would end the mapping's own quotes: the scheme alone says enough.
        headers["WWW-Authenticate"] = f"'{DIALECTS[api].challenge().split()[0]}'"
    if status in (429, 503):
        headers["Retry-After"] = "'1'"
    return headers
