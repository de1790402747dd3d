"""Requests of talkers to use a tool while a call goes on. The answer is the tool's result."""

from __future__ import annotations

from switchboard.calls import talk_tools
from switchboard.carriers.voice.ports.reports import UnreadableCallbackError
from switchboard.carriers.voice.simulator import callbacks, tool_calls
from switchboard.dialects.callbacks.dialect import Answer, Callbacks, answer_json
from switchboard.edge.api import Api
from switchboard.edge.bodies import RawBody
from switchboard.errors import Invalid
from switchboard.kit import background

api = Api(Callbacks(), "talk_tools", tag="Tools")


@api.post(
    tool_calls.PATH,
    summary="Use a tool in a simulated call",
    operation_id="useSimulatedTalkTool",
    body=RawBody(verify=callbacks.TALK_RECEIVER.verify_signature),
    responses={400: "The request is not valid."},
)
def use_tool() -> Answer:
    try:
        asked = tool_calls.read_tool_call(api.signed)
    except UnreadableCallbackError as error:
        raise Invalid("The request is not a use of a tool.") from error
    background.wait_for_guard()  # a request that the rate limiter refuses must not reach a server
    result = talk_tools.use_talk_tool(asked)
    return answer_json({"result": result.text, "done": result.done})


handler = api.handler
