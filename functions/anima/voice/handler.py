"""Anima: `/v1/voice/*`."""

from __future__ import annotations

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.anima.voice.schemas import (
    CallList,
    CallState,
    CallView,
    Direction,
    PlaceCallResponse,
    TranscriptSegment,
    TranscriptView,
    VerdictView,
    VoiceCallRequest,
    VoiceCatalog,
    states_shown_as,
)
from switchboard.calls import service as calls
from switchboard.dialects.anima.dialect import Anima
from switchboard.dialects.anima.shapes import Limit, Pagination
from switchboard.edge.api import Api
from switchboard.edge.fields import Id

api = Api(Anima(), "voice", tag="Voice")


@api.post(
    "/v1/voice/calls",
    summary="Place a call",
    operation_id="voicePlace",
    description=(
        "The plan limits the calls at the same time (1, 5, 25, 100 or 250) and the new calls per second. A call above a"
        " limit is accepted and waits in order, for at most 15 minutes. Then its state becomes `ENDED`, and its"
        " `endReason` is `concurrency_limit` or `rate_limit`."
    ),
    responses={
        400: "The request is not valid.",
        402: "The tier's daily cap or the organization's spending cap is reached.",
        403: "The compliance gate refused the call; `details.gate` names the rule. Or an agent key names another one.",
        404: "The organization has no agent with this id.",
        503: "Phone calls are disabled, or the voice provider is down.",
    },
)
def place_call(request: VoiceCallRequest) -> PlaceCallResponse:
    return PlaceCallResponse.of(calls.place_call(api.caller, request.to_order()))


@api.get(
    "/v1/voice/calls",
    summary="List calls, newest first",
    operation_id="voiceList",
    responses={
        400: "A filter, the limit or the cursor is not valid.",
        404: "The organization has no agent with this id.",
    },
)
def list_calls(
    agent_id: Annotated[Id | None, Query(alias="agentId")] = None,
    direction: Annotated[Direction | None, Query()] = None,
    state: Annotated[CallState | None, Query()] = None,
    limit: Limit = 20,
    cursor: Annotated[str | None, Query()] = None,
) -> CallList:
    wanted = states_shown_as(state) if state else []
    found, after = calls.list_calls(api.caller, agent_id, wanted, direction, limit, cursor)
    return CallList(calls=[CallView.of(call) for call in found], pagination=Pagination.of(after))


@api.get(
    "/v1/voice/calls/<call:call_id>",
    summary="Get a call",
    operation_id="voiceGet",
    responses={404: "The caller has no call with this id."},
)
def get_call(call_id: str) -> CallView:
    return CallView.of(calls.get_call(api.caller, call_id))


@api.get(
    "/v1/voice/calls/<call:call_id>/transcript",
    summary="Get a call's transcript so far",
    operation_id="voiceTranscript",
    responses={404: "The caller has no call with this id."},
)
def get_transcript(call_id: str) -> TranscriptView:
    turns = calls.list_turns(api.caller, call_id)
    return TranscriptView(call_id=call_id, segments=[TranscriptSegment.of(turn) for turn in turns])


@api.get(
    "/v1/voice/calls/<call:call_id>/verdict",
    summary="Get the compliance gate's verdict on a call",
    operation_id="voiceVerdict",
    responses={404: "The caller has no call with this id."},
)
def get_verdict(call_id: str) -> VerdictView:
    return VerdictView.of(call_id, calls.get_verdict(api.caller, call_id))


@api.get("/v1/voice/catalog", summary="List the voices", operation_id="voiceCatalog")
def list_voices(
    tier: Annotated[Literal["basic", "premium"] | None, Query()] = None,
    language: Annotated[str | None, Query(max_length=20)] = None,
    gender: Annotated[Literal["female", "male"] | None, Query()] = None,
) -> VoiceCatalog:
    return VoiceCatalog.of(calls.list_voices(tier, language, gender))


handler = api.handler
