"""The inbox of calls: each member's read state, and the views of calls.

| item | pk | sk |
|---|---|---|
| last recorded view of a member | `<org>#call#<id>` | `view#<user>` |
| entry of the access log | `<org>#call#<id>` | `viewed#<viewed_at>#<user>` |

Both are in the `activity` table. A member's views within five minutes are one entry.
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import Put
from switchboard.calls import store
from switchboard.calls.models import Call
from switchboard.errors import NotFound
from switchboard.inbox import service as inbox
from switchboard.inbox.models import InboxThing, ReadState
from switchboard.kit import clock
from switchboard.team.models import Member

#: The name of the inbox.
INBOX = "calls"
#: The time in which further views of the same member are not recorded.
VIEW_WINDOW = timedelta(minutes=5)
#: The number of views that a call shows, the latest ones.
MAX_VIEWS_SHOWN = 50


class AccessEntry(BaseModel):
    """An entry of the access log: a member opened the call."""

    user_id: str
    name: str
    viewed_at: str


class _ViewRecordedError(Exception):
    """A parallel request recorded a view of the same member."""

    def __init__(self, _: list[Item | None]) -> None:
        super().__init__("the view is recorded")


def inbox_thing(call: Call) -> InboxThing:
    """Returns a call as a thing of the inbox."""
    return InboxThing(call.id, call.created_at, store.list_hint(call))


def require_call(org_id: str, call_id: str) -> Call:
    """Returns the organization's call with this id. Raises NotFound."""
    call = store.CALLS.get_object(org_id, call_id)
    if call is None:
        raise NotFound("There is no such call: check its id.")
    return call


def set_call_read(member: Member, call_id: str, *, read: bool) -> None:
    """Marks a call as read or unread for a member. Raises NotFound."""
    thing = inbox_thing(require_call(member.org_id, call_id))
    inbox.set_read(member.org_id, INBOX, member.user_id, thing, read=read)


def mark_all_calls_read(member: Member, state: ReadState | None = None) -> int:
    """Marks all calls as read for a member. Returns the number of calls that were unread.

    A caller that has read the member's `state` already saves a request.
    """
    return inbox.mark_all_read(member.org_id, INBOX, member.user_id, member.effect, state)


def record_view(member: Member, call_id: str) -> None:
    """Records that a member opened a call, and marks it as read for the member. Raises NotFound."""
    call, last = reads.read_refs(
        store.call_ref(member.org_id, call_id),
        reads.Ref("activity", _last_view_key(member, call_id), AccessEntry.model_validate),
    )
    if call is None:
        raise NotFound("There is no such call: check its id.")
    thing = inbox_thing(call)
    latest = clock.format_iso(clock.now() - VIEW_WINDOW)
    if last is None or last.viewed_at <= latest:
        try:
            writes = _view_writes(member, call_id, latest)
            inbox.set_read(member.org_id, INBOX, member.user_id, thing, read=True, extra=writes)
        except _ViewRecordedError:
            pass
        else:
            return
    inbox.set_read(member.org_id, INBOX, member.user_id, thing, read=True)


def _view_writes(member: Member, call_id: str, latest: str) -> list[Put]:
    """Returns the writes of a view, if the last recorded view is not later than `latest`."""
    view = AccessEntry(user_id=member.user_id, name=member.user.name, viewed_at=clock.now_iso()).model_dump()
    key = _last_view_key(member, call_id)
    last = Put(
        table="activity",
        item={**key, **view},
        condition="attribute_not_exists(pk) OR viewed_at <= :latest",
        values={":latest": latest},
        otherwise=_ViewRecordedError,
    )
    entry = {"pk": key["pk"], "sk": f"viewed#{view['viewed_at']}#{member.user_id}", **view}
    return [last, Put(table="activity", item=entry)]


def _last_view_key(member: Member, call_id: str) -> Key:
    return {"pk": store.call_ref(member.org_id, call_id).key["pk"], "sk": f"view#{member.user_id}"}


def list_views(org_id: str, call_id: str) -> list[AccessEntry]:
    """Returns the latest views of a call, the newest first."""
    partition = store.call_ref(org_id, call_id).key["pk"]
    query = Query(table="activity", partition=partition, begins="viewed#", forward=False)
    return [AccessEntry.model_validate(item) for item in query.read_page(MAX_VIEWS_SHOWN).items]
