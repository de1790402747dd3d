"""Jobs of the dialer."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class DialCall(Job, queue="dialer"):
    """Dial a call that was accepted."""

    org_id: str
    call_id: str


class WakeWaiting(Job, queue="dialer"):
    """Dial the calls that wait for what a call has given back, or without one for a cap that was raised."""

    org_id: str
    call_id: str | None = None


class WatchWaiting(Job, queue="dialer"):
    """See whether a call still waits, though nobody woke it. `looks` counts how often that was done."""

    org_id: str
    call_id: str
    looks: int = 0


class ConfirmDial(Job, queue="dialer"):
    """See whether a claim of a call has an outcome by now."""

    org_id: str
    call_id: str
    claim: int


class HangUp(Job, queue="dialer"):
    """Hang up a call that is under way."""

    org_id: str
    call_id: str


class CloseCall(Job, queue="dialer"):
    """End a call that is still in a state."""

    org_id: str
    call_id: str
    state: str
