"""Jobs of the dialer."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class DialCall(Job, queue="dialer"):
    """Dial a call that was accepted."""

    org_id: str
    call_id: str


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
