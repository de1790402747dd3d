"""Twilio's callbacks, below `/twilio`: the dialect of callbacks, with an apology for a caller who waits.

A person is on the line while Twilio waits for a script. After an error the person would hear a machine's words about an
application. So an error of ours is a script, too.
"""

from __future__ import annotations

from http import HTTPStatus

from switchboard.calls import twilio_callbacks
from switchboard.calls.twilio_callbacks import CallbackStep
from switchboard.calls.twilio_calls import CallStep
from switchboard.carriers.voice.ports.reports import UnreadableCallbackError
from switchboard.carriers.voice.twilio.urls import BASE_PATH, CALLS_PATH
from switchboard.dialects.callbacks.dialect import Callbacks
from switchboard.edge.exchange import Exchange, Reply
from switchboard.errors import DomainError


class TwilioCallbacks(Callbacks):
    """The dialect of Twilio's callbacks."""

    base_path = "/twilio"

    def error_reply(self, error: DomainError, exchange: Exchange) -> Reply:
        """Returns the response to an error: a script that apologizes if the line waits for one."""
        status = self.status_of(error)
        ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS
        if not (ours and _awaits_script(exchange.request.path)):
            return super().error_reply(error, exchange)
        out = exchange.request.path.startswith(CALLS_PATH)
        xml = twilio_callbacks.render_script("", twilio_callbacks.CALL_OUT_APOLOGY if out else twilio_callbacks.APOLOGY)
        return Reply(HTTPStatus.OK, xml, {"Content-Type": "text/xml; charset=utf-8"})


def _awaits_script(path: str) -> bool:
    try:
        if path.startswith(CALLS_PATH):
            return CallStep.of(path).answers_script
        return path.startswith(BASE_PATH) and CallbackStep.of(path).answers_script
    except UnreadableCallbackError:
        return False
