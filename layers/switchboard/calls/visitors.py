"""Removes from a call what its visitor of a page entered. It happens when the visitor's lead is deleted."""

from __future__ import annotations

from switchboard.aws import reads
from switchboard.aws.writes import Put
from switchboard.calls import store
from switchboard.persistence.collection import next_version


def forget_visitor_write(org_id: str, call_id: str) -> Put | None:
    """Returns the write that removes a visitor's name, address and number from their call, `None` without a call.

    The transcript stays. Raises StaleVersionError at commit if the call has changed.
    """
    call = reads.read_ref(store.call_ref(org_id, call_id))
    if call is None or call.widget is None:
        return None
    unknown = call.widget.model_copy(update={"lead_id": None, "name": None, "email": None, "phone": None})
    # The prompt and the greeting got the name by the variables of the order.
    order = call.order.model_copy(update={"variables": {}})
    return store.CALLS.save_write(next_version(call, widget=unknown, order=order))
