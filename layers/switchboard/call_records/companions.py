"""The contacts and flows of calls, read in as few requests as their ids allow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from switchboard.aws import reads
from switchboard.aws.reads import Ref
from switchboard.call_records.models import CallRow
from switchboard.calls import history
from switchboard.calls.models import Call
from switchboard.contacts import service as contacts
from switchboard.flows import service as flows
from switchboard.kit.background import BackgroundTask

_REFS_PER_READ = 100


class Companions:
    """The contacts and flows that calls need, and those that were read."""

    def __init__(self, org_id: str) -> None:
        self._org_id = org_id
        self._known: dict[tuple[str, str], Any] = {}
        self._wanted: dict[tuple[str, str], Ref[Any]] = {}

    def want(self, number_id: str | None, flow_id: str | None) -> None:
        """Notes that the contact of a number and a flow are needed."""
        if number_id is not None:
            self._want("contact", number_id, contacts.contact_of_number_ref(self._org_id, number_id))
        if flow_id is not None:
            self._want("flow", flow_id, flows.flow_ref(self._org_id, flow_id))

    def want_all(self, calls: Iterable[Call]) -> None:
        """Notes the contacts and flows of calls."""
        for call in calls:
            self.want(history.number_id(self._org_id, call.person_number), call.flow_id)

    def _want(self, kind: str, id_: str, ref: Ref[Any]) -> None:
        if (kind, id_) not in self._known:
            self._wanted[kind, id_] = ref

    def read_with(self, refs: Sequence[Ref[Any] | None]) -> list[Any]:
        """Reads other references, and with them what is noted. Returns the objects of the other references."""
        wanted, self._wanted = self._wanted, {}
        answers = read_many([*refs, *wanted.values()])
        self._known |= zip(wanted, answers[len(refs) :], strict=True)
        return answers[: len(refs)]

    def row(self, call: Call, *, is_read: bool) -> CallRow:
        """Returns the row of a call whose contact and flow were read. Either may be missing."""
        contact = self._known.get(("contact", history.number_id(self._org_id, call.person_number)))
        flow = self._known.get(("flow", call.flow_id or ""))
        return CallRow(call, contact, flow.name if flow else None, is_read)


def read_many(refs: Sequence[Ref[Any] | None]) -> list[Any]:
    """Reads the objects of any number of references, in parallel requests. An object without a reference is `None`."""
    wanted = [ref for ref in refs if ref]
    parts = [wanted[begin : begin + _REFS_PER_READ] for begin in range(0, len(wanted), _REFS_PER_READ)]
    tasks = [BackgroundTask(partial(reads.read_refs, *part)) for part in parts]
    for task in tasks[1:]:
        task.start()
    found = iter([one for task in tasks for one in task.result()])
    return [next(found) if ref else None for ref in refs]
