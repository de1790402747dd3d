"""Tags of calls: labels that people add and remove, and the distinct tags of an organization.

| item in `core` | pk | sk |
|---|---|---|
| tag of an organization | `<org>#call-tags` | `<key of the tag>` |

The tags of a call are on the call. The organization's tag counts its calls in the same commit, and is deleted with its
last call.
"""

from __future__ import annotations

from pydantic import BaseModel

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import Delete, Update, Writes
from switchboard.calls import store
from switchboard.calls.changes import CallChange
from switchboard.calls.inbox import require_call
from switchboard.calls.models import Call, CallTag, tag_key
from switchboard.errors import Invalid, NotFound
from switchboard.events import service as events
from switchboard.events.models import Subject
from switchboard.kit import clock, texts
from switchboard.persistence.collection import next_version
from switchboard.persistence.idempotency import find_earlier_effect
from switchboard.persistence.optimistic import StaleVersionError
from switchboard.team.models import Member

#: The tags of one call, and the distinct tags of an organization. The lists of both have no pages.
MAX_TAGS_OF_CALL, MAX_TAGS = 50, 1_000


class TagUse(BaseModel):
    """A distinct tag of an organization: its first spelling, its last color, and the number of its calls."""

    name: str
    color: str | None = None
    calls: int
    updated_at: str


def _key(org_id: str, key: str) -> Key:
    return {"pk": f"{org_id}#call-tags", "sk": key}


def list_tags(org_id: str) -> list[TagUse]:
    """Returns the distinct tags of an organization by name."""
    found = Query(table="core", partition=f"{org_id}#call-tags").read_page(MAX_TAGS)
    return sorted((TagUse.model_validate(item) for item in found.items), key=lambda tag: tag_key(tag.name))


def list_call_tags(org_id: str, call_id: str) -> list[CallTag]:
    """Returns the tags of a call. Raises NotFound."""
    return require_call(org_id, call_id).tags


def add_tag(member: Member, call_id: str, name: str, color: str | None, *, recolor: bool) -> list[CallTag]:
    """Puts a tag on a call. A tag that the call has keeps its spelling, and gets the color if `recolor` is set.

    Without `recolor` a new tag gets the last color of its name. Returns the tags of the call. Raises NotFound, and
    Invalid for too many tags.
    """
    require_call(member.org_id, call_id)
    key = tag_key(name)

    def decide(call: Call) -> CallChange:
        old = next((tag for tag in call.tags if tag.key == key), None)
        if old is not None:
            if not recolor or old.color == color:
                return None
            tags = [tag.model_copy(update={"color": color}) if tag is old else tag for tag in call.tags]
            after = next_version(call, tags=tags)
            return after, [
                _recolor_write(call.org_id, key, color),
                _event_write(member, after, "call.tag_changed", key),
            ]
        if len(call.tags) >= MAX_TAGS_OF_CALL:
            raise Invalid(
                f"A call has at most {MAX_TAGS_OF_CALL} tags: remove one first.",
                code="too_many_tags",
                fields={"name": "is one tag too many"},
            )
        used = _get_use(call.org_id, key)
        if (
            used is None
            and len(Query(table="core", partition=f"{call.org_id}#call-tags").read_keys(MAX_TAGS).items) == MAX_TAGS
        ):
            raise Invalid(
                f"Your organization has {MAX_TAGS} different tags, which is the limit: use one of them.",
                code="too_many_tags",
                fields={"name": "is one tag too many"},
            )
        shown = color if recolor else used.color if used else None
        new = CallTag(name=name, color=shown, added_by=member.user_id, added_at=clock.now_iso())
        after = next_version(call, tags=[*call.tags, new])
        return after, [
            store.tag_entry_writes(call, [], [key]),
            _use_write(call.org_id, key, new),
            _event_write(member, after, "call.tag_added", key),
        ]

    after = store.CALLS.change_object(member.org_id, call_id, decide, member.effect)
    return after.tags if after else require_call(member.org_id, call_id).tags


def remove_tag(member: Member, call_id: str, name: str) -> None:
    """Removes a tag from a call. Raises NotFound."""
    if find_earlier_effect(member.effect):
        return
    require_call(member.org_id, call_id)
    key = tag_key(name)

    def decide(call: Call) -> CallChange:
        tags = [tag for tag in call.tags if tag.key != key]
        if len(tags) == len(call.tags):
            raise NotFound("The call has no such tag: list its tags.")
        after = next_version(call, tags=tags)
        return after, [
            store.tag_entry_writes(call, [key], []),
            _unuse_write(call.org_id, key),
            _event_write(member, after, "call.tag_removed", key),
        ]

    store.CALLS.change_object(member.org_id, call_id, decide, member.effect)


class TagCount:
    """The distinct tags of an organization that has some calls only, for a bulk load. Calls are added oldest first."""

    def __init__(self) -> None:
        self._uses: dict[str, TagUse] = {}

    def add(self, call: Call) -> None:
        """Counts the tags of a call."""
        for tag in call.tags:
            use = self._uses.setdefault(tag.key, TagUse(name=tag.name, calls=0, updated_at=tag.added_at))
            use.calls, use.color, use.updated_at = use.calls + 1, tag.color, tag.added_at

    def items(self, org_id: str) -> list[Item]:
        """Returns the item of each distinct tag."""
        return [{**_key(org_id, key), **use.model_dump()} for key, use in self._uses.items()]


def _get_use(org_id: str, key: str) -> TagUse | None:
    item = reads.get_item("core", _key(org_id, key))
    return TagUse.model_validate(item) if item else None


def _use_write(org_id: str, key: str, tag: CallTag) -> Update:
    return Update(
        table="core",
        key=_key(org_id, key),
        expression="SET #name = if_not_exists(#name, :name), #color = :color, updated_at = :now ADD #calls :one",
        names={"#name": "name", "#color": "color", "#calls": "calls"},
        values={":name": tag.name, ":color": tag.color, ":now": tag.added_at, ":one": 1},
    )


def _recolor_write(org_id: str, key: str, color: str | None) -> Update:
    return Update.set_attributes("core", _key(org_id, key), {"color": color, "updated_at": clock.now_iso()})


def _unuse_write(org_id: str, key: str) -> Delete | Update:
    used = _get_use(org_id, key)
    values = {":calls": used.calls if used else 0}
    if used is None or used.calls <= 1:
        return Delete(
            table="core",
            key=_key(org_id, key),
            condition="attribute_not_exists(pk) OR #calls = :calls",
            names={"#calls": "calls"},
            values=values,
            otherwise=StaleVersionError,
        )
    return Update(
        table="core",
        key=_key(org_id, key),
        expression="SET updated_at = :now ADD #calls :less",
        condition="#calls > :one",
        names={"#calls": "calls"},
        values={":less": -1, ":one": 1, ":now": clock.now_iso()},
        otherwise=StaleVersionError,
    )


def _event_write(member: Member, call: Call, kind: str, key: str) -> Writes:
    subject = Subject(type="call", id=call.id, version=call.version)
    return events.new_event_write(member, kind, subject, tag=texts.digest(key))
