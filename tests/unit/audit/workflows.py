"""Workflows with events, as tests of the audit chain record and read them."""

from __future__ import annotations

from typing import Any

from switchboard.audit import service as audit
from switchboard.aws.writes import commit
from switchboard.events import service as events
from switchboard.events.models import Actor, Event, Subject, SystemActor
from tests.actors import Tenant


def build_events(org_id: str, number: int, *, correlation_id: str = "corr_1", text: str = "") -> list[Event]:
    """Returns events that are not recorded yet, in the order of their ids."""
    work = SystemActor(
        org_id=org_id, actor=Actor(type="system", id="test"), agent_id="agt_1", correlation_id=correlation_id
    )
    return [
        events.new_event(work, "organization.created", Subject(type="organization", id=str(n)), plan="free", slug=text)
        for n in range(number)
    ]


def record_events(made: list[Event]) -> list[Event]:
    """Record the events and return them."""
    for start in range(0, len(made), 50):
        commit(events.event_write(event) for event in made[start : start + 50])
    return made


def create_recorded_events(org_id: str, number: int, *, correlation_id: str = "corr_1", text: str = "") -> list[Event]:
    """Returns recorded events in the order of their ids."""
    return record_events(build_events(org_id, number, correlation_id=correlation_id, text=text))


class Reader:
    """A client that reads the pages of a workflow to the end, and keeps its last cursor."""

    def __init__(self, tenant: Tenant, limit: int, correlation_id: str = "corr_1") -> None:
        self._caller, self._limit, self._correlation_id = tenant.caller(master=True), limit, correlation_id
        self.cursor: str | None = None

    def read_page(self) -> tuple[list[dict[str, Any]], bool]:
        """Returns the page at the cursor and whether it is the last. Moves the cursor if another page follows."""
        entries, more = audit.list_workflow_events(self._caller, self._correlation_id, self._limit, self.cursor)
        self.cursor = more or self.cursor
        assert len(entries) <= self._limit
        return [entry.document for entry in entries], more is None

    def read_rest(self) -> list[dict[str, Any]]:
        """Returns the events of all pages from the cursor to the end."""
        found: list[dict[str, Any]] = []
        while True:
            page, last = self.read_page()
            found += page
            if last:
                return found
