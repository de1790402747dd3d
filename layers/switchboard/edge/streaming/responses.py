"""The response of a streaming route, and the hand-over of its live stream to the app."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

from switchboard.edge.exchange import Exchange
from switchboard.streams import service
from switchboard.streams.models import StreamSubscription

MEDIA_TYPE = "text/event-stream"


class StreamContext:
    """The Lambda context of a streaming request. The route stores its live stream in `opened`."""

    opened: StreamSubscription | None = None


def stream_response(exchange: Exchange, subscription: StreamSubscription) -> Response[str]:
    """Returns the response. A live stream's events follow it. Without a live stream it contains the missed events."""
    body = ""
    if subscription.is_live:
        exchange.context.opened = subscription
    else:
        body = service.render_missed_entries(subscription)
    # Tells proxies to forward each event at once instead of buffering.
    return Response(200, MEDIA_TYPE, body, {"X-Accel-Buffering": "no"})
