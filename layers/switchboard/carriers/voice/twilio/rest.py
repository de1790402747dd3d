"""The calls of one account at Twilio, through the SDK. All requests of one operation share a deadline.

A request to place a call is sent once. Without a readable answer its outcome is unknown. Then Twilio's reports, which
come to a URL with our id of the call, decide. If none comes, `fetch_call` searches for the call.

Twilio has no field for our id. So the search compares numbers and times, and proves each match by the requests that
Twilio made for the call (its events): they have the URL with our id. Twilio shows them 15 minutes after the end of a
call. Until then the answer is that nobody knows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from twilio.base.exceptions import TwilioRestException

from switchboard.carriers import twilio_client
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.carriers.twilio_client import SDK_ERRORS, ask_twilio
from switchboard.carriers.voice.ports.line import Leg, Placement, Snapshot
from switchboard.carriers.voice.twilio import callbacks, urls
from switchboard.kit import clock

#: How long an operation takes at most, in seconds. The dialer has 30 for a batch of five jobs.
SECONDS = 5.0
#: The most calls between two numbers that a search reads, the most whose events it reads, and the most
#: events of one call.
_MOST_LISTED, _MOST_PROVED, _MOST_EVENTS = 200, 10, 50
#: How far Twilio's clock may differ from ours.
_CLOCK_TOLERANCE = timedelta(minutes=1)
#: The call is not in progress: 21220 it cannot be changed, 20404 and 404 there is none.
_OVER = frozenset({21220, 20404})
_BEFORE_THE_ANSWER = frozenset({"queued", "initiated", "ringing"})
_EVENTS = ["initiated", "ringing", "answered", "completed"]
_RECORDING_EVENTS = ["completed", "absent"]
_MACHINE_DETECTION = {"detect": "Enable", "wait_for_beep": "DetectMessageEnd"}
#: The longest and the shortest time to ring that Twilio takes, in seconds.
_MOST_RING_SECONDS, _LEAST_RING_SECONDS = 600, 5
#: The recording that is in progress, in the place of its id.
_CURRENT = "Twilio.CURRENT"


class AccountCalls:
    """The calls of an account. One object serves one operation."""

    def __init__(self, account: str) -> None:
        client = twilio_client.make_client(twilio_client.make_http_client(SECONDS))
        self._calls = client.api.v2010.accounts(account).calls

    def place_call(self, placement: Placement) -> str:
        """Places a call. Raises RefusedError, ThrottledError or OutcomeUnknownError."""
        given = _new_call_fields(placement)
        try:
            made = self._calls.create(**given)
            if not callbacks.is_call_sid(made.sid):
                raise OutcomeUnknownError("the response has no id of a call")
            return str(made.sid)
        except SDK_ERRORS as error:
            raise twilio_client.failure_of(error, writing=True) from error

    def fetch_call(self, leg: Leg) -> Snapshot | None:
        """Returns the state of a call, or `None` if the account has no such call. Raises OutcomeUnknownError."""
        found = _asked(lambda: self._find(leg))
        return _snapshot(found) if found else None

    def end_call(self, leg: Leg) -> None:
        """Cancels a ringing call, or hangs it up. Raises OutcomeUnknownError."""
        found = _asked(lambda: self._find(leg))
        try:
            # To cancel does not touch a call in progress. Somebody may answer between two requests, so the answer
            # of the first one counts.
            if found is not None and found.status in _BEFORE_THE_ANSWER:
                found = self._change(found.sid, status="canceled")
            if found is not None and found.status not in callbacks.ENDS:
                self._change(found.sid, status="completed")
        except RefusedError as refused:
            raise OutcomeUnknownError(str(refused)) from refused

    def redirect_call(self, leg: Leg, url: str) -> None:
        """Sends a call in progress to another script. Raises RefusedError if it is over, and OutcomeUnknownError."""
        if self._change(self._in_progress(leg).sid, url=url, method="POST") is None:
            raise RefusedError("the call is over")

    def transfer_call(self, leg: Leg, to_number: str) -> None:
        """Sends a call in progress to the script that transfers it, unless it was sent there already."""
        sid = self._in_progress(leg).sid
        children = _asked(lambda: self._calls.list(parent_call_sid=sid, limit=_MOST_LISTED)) or []
        if not any(child.to == to_number for child in children):
            self.redirect_call(leg, urls.transfer_url(leg.org_id, leg.call_id, to_number))

    def set_recording(self, leg: Leg, *, on: bool) -> None:
        """Starts or stops the recording, unless it is started or stopped already."""
        recordings = self._calls(self._in_progress(leg).sid).recordings
        running = [one for one in _asked(lambda: recordings.list(limit=20)) or [] if one.status == "in-progress"]
        if on and not running:
            found = _changed(lambda: recordings.create(**_recording_fields(leg.org_id, leg.call_id)))
        elif running and not on:
            found = _changed(lambda: recordings(_CURRENT).update(status="stopped"))
        else:
            return
        if found is None:
            raise RefusedError("the call is over")

    def _in_progress(self, leg: Leg) -> Any:
        found = _asked(lambda: self._find(leg))
        if found is None or found.status != "in-progress":
            raise RefusedError("the call is not in progress")
        return found

    def _change(self, sid: str, **given: str) -> Any:
        return _changed(lambda: self._calls(sid).update(**given))

    def _find(self, leg: Leg) -> Any:
        if leg.provider_call_id:
            return self._calls(leg.provider_call_id).fetch()
        if not (leg.own_number and leg.other_number and leg.placed_at):
            raise OutcomeUnknownError("without an id, numbers and a time the call cannot be found")
        since = clock.parse(leg.placed_at) - _CLOCK_TOLERANCE
        numbers = {"to": leg.other_number, "from_": leg.own_number}
        listed = ask_twilio(lambda: self._calls.list(**numbers, limit=_MOST_LISTED))
        if listed is None:
            raise OutcomeUnknownError("the account is gone")
        similar = [
            one
            for one in listed
            if one.direction == "outbound-api" and (one.date_created is None or one.date_created >= since)
        ]
        # Twilio lists the newest calls first, so that a full list may lack calls only if it ends after our request.
        cut_off = len(listed) >= _MOST_LISTED and (listed[-1].date_created is None or listed[-1].date_created >= since)
        if cut_off or len(similar) > _MOST_PROVED:
            raise OutcomeUnknownError("there are too many calls between these numbers")
        owners = [self._is_ours(one.sid, leg) for one in similar]
        for one, ours in zip(similar, owners, strict=True):
            if ours:
                return one
        if None in owners:
            raise OutcomeUnknownError("it is not known yet whether a call between these numbers is this one")
        return None

    def _is_ours(self, sid: str, leg: Leg) -> bool | None:
        """Whether the requests for a call name our id. `None` if they name no call yet."""
        events = ask_twilio(lambda: self._calls(sid).events.list(limit=_MOST_EVENTS)) or []
        told = json.dumps([one.request for one in events], default=str)
        if re.search(re.escape(urls.call_path(leg.org_id, leg.call_id)) + "(?![0-9A-Za-z])", told):
            return True
        return False if urls.CALLS_PATH in told else None


def _new_call_fields(placement: Placement) -> dict[str, Any]:
    org_id, call_id = placement.org_id, placement.call_id
    given: dict[str, Any] = {
        "to": placement.to_number,
        "from_": placement.from_number,
        "url": urls.call_url(org_id, call_id),
        "method": "POST",
        "status_callback": urls.call_url(org_id, call_id, "status"),
        "status_callback_method": "POST",
        "status_callback_event": _EVENTS,
        "timeout": max(_LEAST_RING_SECONDS, min(placement.ring_seconds, _MOST_RING_SECONDS)),
        "time_limit": placement.most_seconds,
    }
    if detection := _MACHINE_DETECTION.get(placement.machine):
        given |= {
            "machine_detection": detection,
            # Otherwise a person who answers hears nothing for seconds.
            "async_amd": "true",
            "async_amd_status_callback": urls.call_url(org_id, call_id, "machine"),
            "async_amd_status_callback_method": "POST",
        }
    if placement.record:
        given |= {"record": True, **_recording_fields(org_id, call_id)}
    return given


def _recording_fields(org_id: str, call_id: str) -> dict[str, Any]:
    return {
        "recording_channels": "dual",
        "recording_status_callback": urls.call_url(org_id, call_id, "recording"),
        "recording_status_callback_method": "POST",
        "recording_status_callback_event": _RECORDING_EVENTS,
        # Times in the recording stay those of the transcript.
        "trim": "do-not-trim",
    }


def _snapshot(found: Any) -> Snapshot:
    over = found.status in callbacks.ENDS
    return Snapshot(
        over=over,
        answered=found.status in ("in-progress", "completed"),
        provider_call_id=found.sid,
        answered_by=callbacks.read_answered_by(found.answered_by),
        ended_at=clock.format_iso(found.end_time) if over and found.end_time else None,
        end_reason=callbacks.ENDS[found.status].value if over else None,
        duration_seconds=callbacks.read_number(found.duration) if over else None,
    )


def _asked(question: Callable[[], Any]) -> Any:
    """Returns the answer to a question. Raises OutcomeUnknownError if there is none."""
    try:
        return ask_twilio(question)
    except (RefusedError, ThrottledError) as error:
        raise OutcomeUnknownError(str(error)) from error


def _changed(request: Callable[[], Any]) -> Any:
    """Sends a change of a call in progress, and returns its answer. `None` if the call is over.

    Raises RefusedError and OutcomeUnknownError.
    """
    try:
        return request()
    except ThrottledError as error:
        raise OutcomeUnknownError(str(error)) from error
    except SDK_ERRORS as error:
        if isinstance(error, TwilioRestException) and (error.code in _OVER or error.status == HTTPStatus.NOT_FOUND):
            return None
        failure = twilio_client.failure_of(error, writing=True)
        raise (OutcomeUnknownError(str(failure)) if isinstance(failure, ThrottledError) else failure) from error
