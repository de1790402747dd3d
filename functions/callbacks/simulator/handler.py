"""Callbacks of the simulated voice provider, from its line and its talker.

Each callback is verified, parsed and queued; a worker applies it. So callbacks may arrive twice, late or in any order.
"""

from __future__ import annotations

from switchboard.aws import queues
from switchboard.carriers.voice.ports import reports
from switchboard.carriers.voice.ports.reports import Receiver, UnreadableCallbackError
from switchboard.carriers.voice.simulator import callbacks
from switchboard.dialects.callbacks.dialect import Answer, Callbacks, answer_nothing
from switchboard.edge.api import Api
from switchboard.edge.bodies import RawBody
from switchboard.errors import Invalid
from switchboard.kit import background

api = Api(Callbacks(), "simulator", tag="Simulator")


@api.post(
    callbacks.PATHS["line"],
    summary="Receive a report of the simulated line",
    operation_id="receiveSimulatedLine",
    body=RawBody(verify=callbacks.LINE_RECEIVER.verify_signature),
    responses={400: "The report is not valid."},
)
def receive_line() -> Answer:
    return _queue_reports(callbacks.LINE_RECEIVER)


@api.post(
    callbacks.PATHS["talk"],
    summary="Receive a report of the simulated talker",
    operation_id="receiveSimulatedTalk",
    body=RawBody(verify=callbacks.TALK_RECEIVER.verify_signature),
    responses={400: "The report is not valid."},
)
def receive_talk() -> Answer:
    return _queue_reports(callbacks.TALK_RECEIVER)


def _queue_reports(receiver: Receiver) -> Answer:
    try:
        told = receiver.read_reports(api.signed)
    except UnreadableCallbackError as error:
        raise Invalid("The callback is not a valid report.") from error
    background.wait_for_guard()  # a request that the rate limiter refuses must not queue anything
    queues.send_messages(reports.report_messages(told))
    return answer_nothing()


handler = api.handler
