"""Jobs of the dialer, and of the workers that fetch recordings and summarize talks."""

from __future__ import annotations

from datetime import timedelta

from switchboard.kit.jobs import Job

#: When an accepted call is closed if its job was lost before it was dialed: as long as a dialer retries
#: (`lanes.WAIT_LIMIT`), and no later than a queue can bring a job.
DIALED_WITHIN = timedelta(minutes=15)


class DialCall(Job, queue="dialer"):
    """Dial an accepted call."""

    org_id: str
    call_id: str


class WakeWaiting(Job, queue="dialer"):
    """Dial waiting calls: those for which `call_id` made room, or without it those for which a raised cap made room."""

    org_id: str
    call_id: str | None = None


class WatchWaiting(Job, queue="dialer"):
    """Check whether a call still waits, in case its wake-up was lost. `looks` counts the checks."""

    org_id: str
    call_id: str
    looks: int = 0


class ConfirmDial(Job, queue="dialer"):
    """Check whether a dialer's claim of a call has an outcome."""

    org_id: str
    call_id: str
    claim: int


class HangUp(Job, queue="dialer"):
    """Hang up a call in progress."""

    org_id: str
    call_id: str


class HangUpMachine(Job, queue="dialer"):
    """Hang up a call that a machine answered, unless the flow leaves a message there or a person spoke."""

    org_id: str
    call_id: str


class LeaveMessage(Job, queue="dialer"):
    """Leave the flow's message at the machine that answered a call."""

    org_id: str
    call_id: str


class CloseCall(Job, queue="dialer"):
    """End a call if it is still in `state`."""

    org_id: str
    call_id: str
    state: str


class CloseCallRoom(Job, queue="widgets"):
    """Close the room of a call without a telephone that is over."""

    org_id: str
    call_id: str


class FetchRecording(Job, queue="recordings"):
    """Fetch a recording from the provider. `attempts` counts the failed ones."""

    org_id: str
    call_id: str
    recording_id: str
    attempts: int = 0


class ForgetRecording(Job, queue="recordings"):
    """Delete the provider's copy of a recording that we have stored. `attempts` counts the failed ones."""

    org_id: str
    call_id: str
    recording_id: str
    attempts: int = 0


class CloseVoicemail(Job, queue="recordings"):
    """Stop waiting for the recording of a message that was offered."""

    org_id: str
    call_id: str


class SummarizeCall(Job, queue="summaries"):
    """Summarize the talk of a call that is over. `tries` counts the earlier runs in which the model was busy."""

    org_id: str
    call_id: str
    tries: int = 0
