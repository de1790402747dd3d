"""Twilio's callbacks about calls: `/twilio/voice/<number>` for calls in, and `/twilio/voice/calls/…` for calls of ours.

A callback that waits for a script gets it at once. A report is queued, and a worker applies it. So reports may arrive
twice, late or in any order.
"""

from __future__ import annotations

from switchboard.aws import queues
from switchboard.calls import twilio_callbacks, twilio_calls
from switchboard.calls.twilio_callbacks import CallbackAnswer, CallbackStep
from switchboard.calls.twilio_calls import CallStep
from switchboard.carriers.voice.ports import reports
from switchboard.carriers.voice.ports.reports import UnreadableCallbackError
from switchboard.dialects.callbacks.dialect import Answer, answer_nothing, answer_twiml
from switchboard.dialects.callbacks.twilio import TwilioCallbacks
from switchboard.edge.api import Api
from switchboard.edge.bodies import FormBody
from switchboard.errors import Invalid
from switchboard.kit import background

api = Api(TwilioCallbacks(), "twilio", tag="Twilio")

_BODY = FormBody(verify=twilio_callbacks.verify_callback)
_CALL_BODY = FormBody(verify=twilio_calls.verify_call_callback)
_RESPONSES = {400: "The form is not a callback about a call."}


@api.post(
    "/twilio/voice/<num:number_id>",
    summary="Answer a call to one of our numbers",
    operation_id="answerCallIn",
    body=_BODY,
    responses=_RESPONSES,
)
def answer_call(number_id: str) -> Answer:
    return _answer(number_id)


@api.post(
    "/twilio/voice/<num:number_id>/after-talk/<any:talk>",
    summary="Continue a call after a talk",
    operation_id="continueAfterTalk",
    body=_BODY,
    responses=_RESPONSES,
)
def continue_after_talk(number_id: str, talk: str) -> Answer:
    return _answer(number_id, "after-talk", talk)


@api.post(
    "/twilio/voice/<num:number_id>/after-dial",
    summary="Continue a call after a transfer",
    operation_id="continueAfterDial",
    body=_BODY,
    responses=_RESPONSES,
)
def continue_after_dial(number_id: str) -> Answer:
    return _answer(number_id, "after-dial")


@api.post(
    "/twilio/voice/<num:number_id>/after-record",
    summary="Continue a call after a message",
    operation_id="continueAfterRecord",
    body=_BODY,
    responses=_RESPONSES,
)
def continue_after_record(number_id: str) -> Answer:
    return _answer(number_id, "after-record")


@api.post(
    "/twilio/voice/<num:number_id>/status",
    summary="Receive the status of a call",
    operation_id="receiveCallStatus",
    body=_BODY,
    responses=_RESPONSES,
)
def receive_status(number_id: str) -> Answer:
    return _answer(number_id, "status")


@api.post(
    "/twilio/voice/<num:number_id>/recording",
    summary="Receive a recording of a call",
    operation_id="receiveCallRecording",
    body=_BODY,
    responses=_RESPONSES,
)
def receive_recording(number_id: str) -> Answer:
    return _answer(number_id, "recording")


@api.post(
    "/twilio/voice/<num:number_id>/transcription",
    summary="Receive the text of a recording",
    operation_id="receiveCallTranscription",
    body=_BODY,
    responses=_RESPONSES,
)
def receive_transcription(number_id: str) -> Answer:
    return _answer(number_id, "transcription")


@api.post(
    "/twilio/voice/calls/<org:org_id>/<call:call_id>",
    summary="Begin a call that we placed",
    operation_id="beginCallOut",
    body=_CALL_BODY,
    responses=_RESPONSES,
)
def begin_call_out(org_id: str, call_id: str) -> Answer:
    return _answer_call(org_id, call_id)


@api.post(
    "/twilio/voice/calls/<org:org_id>/<call:call_id>/<any:step>",
    summary="Continue a call that we placed, or receive a report about it",
    operation_id="continueCallOut",
    body=_CALL_BODY,
    responses=_RESPONSES,
)
def continue_call_out(org_id: str, call_id: str, step: str) -> Answer:
    return _answer_call(org_id, call_id, step)


@api.post(
    "/twilio/voice/calls/<org:org_id>/<call:call_id>/<any:step>/<any:argument>",
    summary="Continue a call that we placed after a talk, or transfer it",
    operation_id="continueCallOutWith",
    body=_CALL_BODY,
    responses=_RESPONSES,
)
def continue_call_out_with(org_id: str, call_id: str, step: str, argument: str) -> Answer:
    return _answer_call(org_id, call_id, step, argument)


def _answer(number_id: str, step: str = "", talk: str = "") -> Answer:
    try:
        place = CallbackStep.parse(number_id, step, talk)
        answer = twilio_callbacks.receive_callback(place, list(api.parameters), api.signer)
    except UnreadableCallbackError as error:
        raise Invalid(f"The callback cannot be read: {error}.") from error
    return _give_answer(answer)


def _answer_call(org_id: str, call_id: str, step: str = "", argument: str = "") -> Answer:
    try:
        answer = twilio_calls.receive_call_callback(
            CallStep.parse(org_id, call_id, step, argument), list(api.parameters)
        )
    except UnreadableCallbackError as error:
        raise Invalid(f"The callback cannot be read: {error}.") from error
    return _give_answer(answer)


def _give_answer(answer: CallbackAnswer) -> Answer:
    if answer.reports:
        background.wait_for_guard()  # a request that the rate limiter refuses must not queue anything
        queues.send_messages(reports.report_messages(answer.reports))
    return answer_nothing() if answer.xml is None else answer_twiml(answer.xml)


handler = api.handler
