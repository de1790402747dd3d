"""What every streaming route does with the stream that it opened."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

from switchboard.edge.call import Call
from switchboard.streams import service
from switchboard.streams.models import Subscription

MEDIA_TYPE = "text/event-stream"


class Opening:
    """What the pipeline is told of its invocation, and where a route leaves the live stream that it opened."""

    opened: Subscription | None = None


def answer(call: Call, subscription: Subscription) -> Response[str]:
    """The answer's head, which the events of a live stream follow. Without a place for one it is the whole answer."""
    body = ""
    if subscription.is_live:
        call.context.opened = subscription
    else:
        body = service.catch_up(subscription)
    # Proxies pass on at once what they would otherwise collect.
    return Response(200, MEDIA_TYPE, body, {"X-Accel-Buffering": "no"})
