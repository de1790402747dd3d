"""Callbacks of the simulated voice provider, from its line and its talker.

Each callback is verified, parsed and queued; a worker applies it. So callbacks may arrive twice, late or in any order.
"""

from __future__ import annotations

from switchboard.aws import aside, queue
from switchboard.carriers.voice import reports
from switchboard.carriers.voice.reports import Receiver, Unreadable
from switchboard.carriers.voice.simulator import callbacks
from switchboard.edge.api import Api
from switchboard.edge.bodies import Raw
from switchboard.edge.dialects.callbacks import Answer, Callbacks, answer_nothing
from switchboard.errors import Invalid

api = Api(Callbacks(), "simulator")


@api.post(
    callbacks.PATHS["line"],
    summary="Receive a report of the simulated line",
    operation_id="receiveSimulatedLine",
    tag="Simulator",
    body=Raw(verify=callbacks.LINE.verify),
    responses={400: "The report is not valid."},
)
def receive_line() -> Answer:
    return _take(callbacks.LINE)


@api.post(
    callbacks.PATHS["talk"],
    summary="Receive a report of the simulated talker",
    operation_id="receiveSimulatedTalk",
    tag="Simulator",
    body=Raw(verify=callbacks.TALK.verify),
    responses={400: "The report is not valid."},
)
def receive_talk() -> Answer:
    return _take(callbacks.TALK)


def _take(receiver: Receiver) -> Answer:
    try:
        told = receiver.read(api.signed)
    except Unreadable as error:
        raise Invalid("The callback is not a valid report.") from error
    aside.settle()  # a request that the rate limiter refuses must not queue anything
    queue.send(reports.messages(told))
    return answer_nothing()


handler = api.handler
