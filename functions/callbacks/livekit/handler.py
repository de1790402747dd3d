"""LiveKit's webhooks, and what the persona's agents report: `/callbacks/livekit*`.

Whatever is signed is queued as it is understood, and applied by a worker. So a callback that comes twice, late or in
another order is as good as any, and one of a room that nobody knows changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from functions.callbacks.livekit.schemas import RoomReports
from switchboard import telemetry
from switchboard.aws import aside, queue, secret, settings
from switchboard.aws.queue import Message
from switchboard.edge import signatures, strict_json
from switchboard.edge.api import Api
from switchboard.edge.bodies import JSON, Raw
from switchboard.edge.dialects.callbacks import Answer, Callbacks, answer_nothing
from switchboard.errors import Invalid, NotFound
from switchboard.roleplay.transports import livekit_reports

QUEUE = "roleplay"
WEBHOOK_JSON = "application/webhook+json"

api = Api(Callbacks(), "livekit")


def _secrets() -> Sequence[str]:
    # Without a transport nobody has signed anything.
    name = settings.text("LIVEKIT_SECRET", "")
    return secret.active(name) if name else ()


_VERIFY = signatures.livekit("livekit", _secrets)


@api.post(
    "/callbacks/livekit",
    summary="A webhook of LiveKit's server",
    operation_id="receiveLiveKitWebhook",
    tag="LiveKit",
    body=Raw(verify=_VERIFY, types=frozenset({WEBHOOK_JSON, JSON})),
)
def receive_webhook() -> Answer:
    event = _read()
    report = livekit_reports.of_webhook(event)
    if report is None:
        name = event.get("event") if isinstance(event, dict) else None
        telemetry.logger().info("nothing to do for a webhook", extra={"livekit_event": str(name)[:60]})
    else:
        _queue([report])
    return answer_nothing()


@api.post(
    "/callbacks/livekit/reports",
    summary="Turns, and the end of a room, by the persona's agent",
    operation_id="reportRoom",
    tag="LiveKit",
    body=Raw(verify=_VERIFY),
    responses={400: "The reports are not valid.", 404: "The room is none of ours."},
)
def report_room() -> Answer:
    try:
        reports = RoomReports.model_validate(_read()).messages()
    except ValidationError as error:
        telemetry.logger().warning("an agent's reports are not valid", extra={"problems": telemetry.problems(error)})
        raise Invalid("The reports are not valid.") from None
    if reports is None:
        raise NotFound("There is no such room.")
    _queue(reports)
    return answer_nothing()


def _read() -> Any:
    try:
        return strict_json.loads(api.raw.decode())
    except UnicodeDecodeError:
        raise Invalid("The body is not UTF-8.") from None


def _queue(reports: list[dict[str, Any]]) -> None:
    aside.settle()  # a request that the limiter refuses queues nothing
    queue.send(Message(queue=QUEUE, body=report, group=report["org_id"]) for report in reports)


handler = api.handler
