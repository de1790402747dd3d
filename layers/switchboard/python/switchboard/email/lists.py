"""The lists of mail: of an organization or an agent, by state, by label, and of a conversation.

Heads stand in four indexes. A mail that came in has a state of its own, so that a direction is some states. Labels and
conversations have entries that are items, for the few mails that have what they list: a label other than `read`, and
an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from switchboard.aws.table import Item, Writes
from switchboard.email.models import READ, Head, State
from switchboard.kit.listing import Listing, Page, View, place_of

#: What a list is narrowed by: `direction`, `state`, `thread_id`, `labels`, and the values that each may have.
Filters = Mapping[str, Sequence[str]]

#: A function's answer has 6 MB at most.
_PAGE_SIZE = 4_000_000
#: The part of an id that no other of the same moment has.
_TAIL = 16

_MAIL = Listing(
    "activity",
    "mail",
    (
        View(index="gsi2"),
        View(index="gsi1", by=("agent_id",)),
        View(index="gsi3", by=("state",)),
        View(index="gsi4", by=("agent_id", "state")),
    ),
)
_LABELED = Listing("activity", "labeled-mail", (View(by=("label",)), View(by=("agent_label",))))
_THREADS = Listing("activity", "mail-threads", (View(by=("thread_id",)),))


def _place(head: Head) -> str:
    # Shorter than with the whole id: it stands in a head four times.
    return place_of(head.created_at, head.id[-_TAIL:])


def _key(head: Head) -> Item:
    return {"pk": f"{head.org_id}#message#{head.id}", "sk": "message"}


def _listed_as(state: str) -> str:
    # What a worker has claimed still waits for everybody else: a claim moves nothing in a list.
    return State.QUEUED if state == State.SENDING else state


def attributes(head: Head) -> Item:
    """The index attributes of a head. The platform's own mail is in no list."""
    if head.kind != "mail":
        return {}
    values = {"agent_id": head.agent_id, "state": _listed_as(head.state)}
    return _MAIL.attributes(head.org_id, _place(head), values)


def label_writes(head: Head, before: Iterable[str], after: Iterable[str]) -> Writes:
    """The writes that take a mail from the lists of some labels to those of others. No list is kept of what is read."""
    if head.kind != "mail":
        return None
    gone, there = (sorted(set(labels) - {READ}) for labels in (before, after))
    place, key = _place(head), _key(head)
    return [
        _LABELED.entries(head.org_id, place, key, "label", gone, there),
        _LABELED.entries(
            head.org_id, place, key, "agent_label", _of_agent(head.agent_id, gone), _of_agent(head.agent_id, there)
        ),
    ]


def _of_agent(agent_id: str | None, labels: Iterable[str]) -> list[str]:
    return [f"{agent_id}#{label}" for label in labels]


def thread_writes(head: Head, parent: Head | None) -> Writes:
    """The writes that enter an answer into its conversation, and with the first answer the mail that began it."""
    if parent is None or head.thread_id == head.id:
        return None
    begun_by = [parent] if parent.id == head.thread_id and parent.kind == "mail" else []
    return [
        _THREADS.entries(one.org_id, _place(one), _key(one), "thread_id", (), (head.thread_id,))
        for one in (*begun_by, head)
    ]


def page(org_id: str, agent_id: str | None, filters: Filters, limit: int, after: str | None) -> Page:
    """A page of heads as they are stored, as many as the answer has room for with what they say."""
    states, labels, threads = _states(filters), filters.get("labels", ()), filters.get("thread_id", ())
    if states == []:
        return Page([], None)
    own = {"agent_id": [agent_id]} if agent_id else {}
    if threads:
        wanted = {"thread_id": threads, **own, "state": states or (), "labels": labels}
        # Every entry of a conversation is of that conversation; a head that began it does not name it.
        return _THREADS.page(org_id, wanted, limit, after, fitting=_fitting)
    if labels and READ not in labels:
        of = {"agent_label": _of_agent(agent_id, labels)} if agent_id else {"label": labels}
        return _LABELED.page(org_id, {**of, "state": states or ()}, limit, after, fitting=_fitting)
    listed = sorted({_listed_as(state) for state in states or ()})
    return _MAIL.page(org_id, {**own, "state": listed, "labels": labels}, limit, after, fitting=_fitting)


def shows(item: Item, agent_id: str | None, filters: Filters) -> bool:
    """Whether a list shows a head that is in no list of its kind."""
    states, labels = _states(filters), filters.get("labels", ())
    return (
        item.get("kind", "mail") == "mail"
        and agent_id in (None, item.get("agent_id"))
        and (states is None or item["state"] in states)
        and (not labels or bool(set(labels) & set(item["labels"])))
    )


def _states(filters: Filters) -> list[str] | None:
    """The states that a list is narrowed to by state and direction, `None` for all."""
    wanted = [set(filters[name]) for name in ("state",) if filters.get(name)]
    if directions := filters.get("direction"):
        ways = {
            "INBOUND": {State.RECEIVED.value},
            "OUTBOUND": {state.value for state in State} - {State.RECEIVED.value},
        }
        wanted.append(set().union(*(ways[direction] for direction in directions)))
    return sorted(set.intersection(*wanted)) if wanted else None


def _fitting(items: Sequence[Item]) -> int:
    """How many of the heads an answer has room for, with what they say."""
    sizes = accumulate(item.get("size", 0) for item in items)
    return sum(size <= _PAGE_SIZE for size in sizes)
