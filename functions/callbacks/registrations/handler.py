"""The registry's callbacks about brands: `/twilio/a2p/<organization>/<brand>`.

A callback is verified and becomes a job that asks the registry. So it may come twice, late, or for no reason.
"""

from __future__ import annotations

from switchboard.aws import queues
from switchboard.brands import callbacks
from switchboard.dialects.callbacks.dialect import Answer, answer_nothing
from switchboard.dialects.callbacks.twilio import TwilioCallbacks
from switchboard.edge.api import Api
from switchboard.edge.bodies import FormBody
from switchboard.kit import background

api = Api(TwilioCallbacks(), "twilio", tag="Twilio")


@api.post(
    "/twilio/a2p/<org:org_id>/<brd:brand_id>",
    summary="Receive news about a brand",
    operation_id="receiveRegistrationNews",
    body=FormBody(verify=callbacks.verify_callback),
)
def receive_news(org_id: str, brand_id: str) -> Answer:
    background.wait_for_guard()  # a request that the rate limiter refuses must not queue anything
    queues.send_messages(callbacks.news_messages(org_id, brand_id))
    return answer_nothing()


handler = api.handler
