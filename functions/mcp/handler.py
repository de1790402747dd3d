"""`/mcp`: the platform's own server for models."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

from functions.mcp.credentials import read_credential
from functions.mcp.server import answer_message
from switchboard.dialects.mcp.dialect import Mcp
from switchboard.edge.api import Api

api = Api(Mcp(), "mcp", tag="Models")


@api.post("/mcp", summary="Send a message of the Model Context Protocol", operation_id="mcp")
def post_message() -> Response[str]:
    reply = answer_message(api.exchange, read_credential(api.exchange))
    media_type = reply.headers.pop("content-type", None)
    return Response(reply.status, media_type, reply.body, dict(reply.headers))


handler = api.handler
