"""The lists of mail: of an organization or an agent, by state, by label, and of a conversation.

Heads are in four indexes. Received mail has a state of its own, so a filter by direction becomes a filter by states.
Lists of labels and conversations consist of separate items. Only few mails need them: mails with a label other than
`read`, and mails with an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Writes
from switchboard.email.models import READ, MailState, MessageHead
from switchboard.persistence.listing import Listing, ListPage, ListView, place_of

#: The filters of a list (`direction`, `state`, `thread_id`, `labels`) with the allowed values of each.
Filters = Mapping[str, Sequence[str]]

#: The largest page, in bytes: a Lambda function's response has at most 6 MB.
_MAX_PAGE_BYTES = 4_000_000
#: How many of an id's last characters are unique among ids of the same time.
_TAIL = 16

_MAIL = Listing(
    "activity",
    "mail",
    (
        ListView(index="gsi2"),
        ListView(index="gsi1", by=("agent_id",)),
        ListView(index="gsi3", by=("state",)),
        ListView(index="gsi4", by=("agent_id", "state")),
    ),
)
_LABELED = Listing("activity", "labeled-mail", (ListView(by=("label",)), ListView(by=("agent_label",))))
_THREADS = Listing("activity", "mail-threads", (ListView(by=("thread_id",)),))


def _place(head: MessageHead) -> str:
    # Use a part of the id to save space: a head stores this place four times.
    return place_of(head.created_at, head.id[-_TAIL:])


def _key(head: MessageHead) -> Item:
    return {"pk": f"{head.org_id}#message#{head.id}", "sk": "message"}


def _listed_as(state: str) -> str:
    # List a claimed mail as queued, so that a claim does not change the lists.
    return MailState.QUEUED if state == MailState.SENDING else state


def list_attributes(head: MessageHead) -> Item:
    """Returns the index attributes of a head. The platform's own mail is not listed."""
    if head.kind != "mail":
        return {}
    values = {"agent_id": head.agent_id, "state": _listed_as(head.state)}
    return _MAIL.index_attributes(head.org_id, _place(head), values)


def label_writes(head: MessageHead, before: Iterable[str], after: Iterable[str]) -> Writes:
    """The writes that move a mail between the lists of labels, from `before` to `after`. `read` has no list."""
    if head.kind != "mail":
        return None
    gone, there = (sorted(set(labels) - {READ}) for labels in (before, after))
    place, key = _place(head), _key(head)
    return [
        _LABELED.entry_writes(head.org_id, place, key, "label", gone, there),
        _LABELED.entry_writes(
            head.org_id, place, key, "agent_label", _of_agent(head.agent_id, gone), _of_agent(head.agent_id, there)
        ),
    ]


def _of_agent(agent_id: str | None, labels: Iterable[str]) -> list[str]:
    return [f"{agent_id}#{label}" for label in labels]


def thread_writes(head: MessageHead, parent: MessageHead | None) -> Writes:
    """The writes that add an answer to its conversation. The first answer also adds the mail that began it."""
    if parent is None or head.thread_id == head.id:
        return None
    begun_by = [parent] if parent.id == head.thread_id and parent.kind == "mail" else []
    return [
        _THREADS.entry_writes(one.org_id, _place(one), _key(one), "thread_id", (), (head.thread_id,))
        for one in (*begun_by, head)
    ]


def list_heads(org_id: str, agent_id: str | None, filters: Filters, limit: int, after: str | None) -> ListPage:
    """Returns a page of stored heads, limited so that the response has room for them with their contents."""
    states, labels, threads = _states(filters), filters.get("labels", ()), filters.get("thread_id", ())
    if states == []:
        return ListPage([], None)
    own = {"agent_id": [agent_id]} if agent_id else {}
    if threads:
        wanted = {"thread_id": threads, **own, "state": states or (), "labels": labels}
        # Entries need no check of their conversation. A head that began a conversation does not name it.
        return _THREADS.read_page(org_id, wanted, limit, after, fitting=_fitting)
    if labels and READ not in labels:
        of = {"agent_label": _of_agent(agent_id, labels)} if agent_id else {"label": labels}
        return _LABELED.read_page(org_id, {**of, "state": states or ()}, limit, after, fitting=_fitting)
    listed = sorted({_listed_as(state) for state in states or ()})
    return _MAIL.read_page(org_id, {**own, "state": listed, "labels": labels}, limit, after, fitting=_fitting)


def matches_filters(item: Item, agent_id: str | None, filters: Filters) -> bool:
    """Whether the filters match a head that is not an item of the conversation's list."""
    states, labels = _states(filters), filters.get("labels", ())
    return (
        item.get("kind", "mail") == "mail"
        and agent_id in (None, item.get("agent_id"))
        and (states is None or item["state"] in states)
        and (not labels or bool(set(labels) & set(item["labels"])))
    )


def _states(filters: Filters) -> list[str] | None:
    """Returns the states that the filters by state and direction allow, `None` for all."""
    wanted = [set(filters[name]) for name in ("state",) if filters.get(name)]
    if directions := filters.get("direction"):
        ways = {
            "INBOUND": {MailState.RECEIVED.value},
            "OUTBOUND": {state.value for state in MailState} - {MailState.RECEIVED.value},
        }
        wanted.append(set().union(*(ways[direction] for direction in directions)))
    return sorted(set.intersection(*wanted)) if wanted else None


def _fitting(items: Sequence[Item]) -> int:
    """Returns how many of the heads fit into a response, with their contents."""
    sizes = accumulate(item.get("size", 0) for item in items)
    return sum(size <= _MAX_PAGE_BYTES for size in sizes)
