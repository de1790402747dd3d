"""Twilio's callbacks about texts: `/twilio/sms/<number>` for texts in, and `/twilio/sms/messages/…` for texts of ours.

Each callback is verified, parsed and queued; a worker applies it. So callbacks may arrive twice, late or in any order.
"""

from __future__ import annotations

from switchboard.aws import queues
from switchboard.carriers.messages.ports import reports
from switchboard.carriers.voice.ports.reports import UnreadableCallbackError
from switchboard.dialects.callbacks.dialect import Answer, answer_twiml
from switchboard.dialects.callbacks.twilio import TwilioCallbacks
from switchboard.edge.api import Api
from switchboard.edge.bodies import FormBody
from switchboard.errors import Invalid
from switchboard.kit import background
from switchboard.messaging import text_callbacks
from switchboard.messaging.text_callbacks import TextPlace

api = Api(TwilioCallbacks(), "twilio", tag="Twilio")

_BODY = FormBody(verify=text_callbacks.verify_callback)
_RESPONSES = {400: "The form is not a callback about a text."}


@api.post(
    "/twilio/sms/<num:number_id>",
    summary="Receive a text to one of our numbers",
    operation_id="receiveTextIn",
    body=_BODY,
    responses=_RESPONSES,
)
def receive_text(number_id: str) -> Answer:
    return _queue_reports(TextPlace(number_id=number_id))


@api.post(
    "/twilio/sms/messages/<org:org_id>/<cnv:conversation_id>/<sms:message_id>",
    summary="Receive the status of a text",
    operation_id="receiveTextStatus",
    body=_BODY,
    responses=_RESPONSES,
)
def receive_text_status(org_id: str, conversation_id: str, message_id: str) -> Answer:
    return _queue_reports(TextPlace("", org_id, conversation_id, message_id))


@api.post(
    "/twilio/sms/messages/<org:org_id>/<cnv:conversation_id>/<sms:message_id>/campaign",
    summary="Receive the status of a campaign's text",
    operation_id="receiveCampaignTextStatus",
    body=_BODY,
    responses=_RESPONSES,
)
def receive_campaign_text_status(org_id: str, conversation_id: str, message_id: str) -> Answer:
    return _queue_reports(TextPlace("", org_id, conversation_id, message_id, campaign=True))


def _queue_reports(place: TextPlace) -> Answer:
    try:
        told = text_callbacks.receive_callback(place, list(api.parameters))
    except UnreadableCallbackError as error:
        raise Invalid(f"The callback cannot be read: {error}.") from error
    if told:
        background.wait_for_guard()  # a request that the rate limiter refuses must not queue anything
        queues.send_messages(reports.text_report_messages(told))
    return answer_twiml(text_callbacks.NO_ANSWER)


handler = api.handler
