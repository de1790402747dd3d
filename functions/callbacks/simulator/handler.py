"""What the simulated voice provider posts: of its line, and of its talker.

Every callback is verified, read, queued and answered; a worker applies it. So it may come twice, late or in any order.
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
    summary="A report of the simulated line",
    operation_id="receiveSimulatedLine",
    tag="Simulator",
    body=Raw(verify=callbacks.LINE.verify),
    responses={400: "The report is not valid."},
)
def receive_line() -> Answer:
    return _take(callbacks.LINE)


@api.post(
    callbacks.PATHS["talk"],
    summary="A report of the simulated talker",
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
        raise Invalid("The callback is no report.") from error
    aside.settle()  # a request that the limiter refuses queues nothing
    queue.send(reports.messages(told))
    return answer_nothing()


handler = api.handler
