"""Voicemails in the `activity` table.

| item | pk | sk |
|---|---|---|
| voicemail | `<org>#voicemail#<id>` | `voicemail` |
| entry of the timeline | `<org>#voicemail#<id>` | `timeline#<at>#<entry id>` |
| last recorded view or play of a member | `<org>#voicemail#<id>` | `last#<kind>#<user>` |

gsi1 lists all voicemails, and gsi2 lists them by `heard` or `unheard`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query, Ref
from switchboard.aws.writes import Put, delete_items
from switchboard.persistence.collection import Collection
from switchboard.persistence.listing import Listing, ListView, place_of, read_query_page
from switchboard.voicemails.models import Voicemail, VoicemailActivity

Refusal = Callable[[list[Item | None]], Exception]

LISTING = Listing("activity", "voicemails", (ListView(index="gsi1"), ListView(by=("heard",), index="gsi2")))


def _partition(org_id: str, voicemail_id: str) -> str:
    return f"{org_id}#voicemail#{voicemail_id}"


def _key(org_id: str, voicemail_id: str) -> Key:
    return {"pk": _partition(org_id, voicemail_id), "sk": "voicemail"}


def heard_value(*, heard: bool) -> str:
    """Returns the value of the filter by heard state."""
    return "heard" if heard else "unheard"


def list_place(voicemail: Voicemail) -> str:
    """Returns the place in the lists: the time and id, then the number, so that a list reads the contact beside it."""
    return f"{place_of(voicemail.created_at, voicemail.id)}#{voicemail.from_e164}"


def _lists(voicemail: Voicemail) -> Item:
    values = {"heard": heard_value(heard=voicemail.is_heard)}
    return LISTING.index_attributes(voicemail.org_id, list_place(voicemail), values)


def _pack(item: Item) -> Item:
    # Missing values are not stored, to save space.
    return {name: value for name, value in item.items() if value is not None and value != []}


VOICEMAILS = Collection("activity", Voicemail, _key, _lists, _pack)


def voicemail_ref(org_id: str, voicemail_id: str) -> Ref[Voicemail]:
    """Returns the reference to a voicemail."""
    return Ref("activity", _key(org_id, voicemail_id), VOICEMAILS.from_item)


def list_places(org_id: str, heard: bool | None, limit: int, after: str | None) -> tuple[list[str], str | None]:
    """Returns a page of the places of voicemails, the newest first (`list_place`), and the cursor of the next page."""
    wanted = {} if heard is None else {"heard": [heard_value(heard=heard)]}
    return LISTING.read_places(org_id, wanted, limit, after)


def activity_write(voicemail: Voicemail, entry: VoicemailActivity) -> Put:
    """Returns the write that adds an entry to the timeline."""
    key = {"pk": _partition(voicemail.org_id, voicemail.id), "sk": f"timeline#{entry.at}#{entry.id}"}
    return Put(table="activity", item={**key, **_pack(entry.model_dump(mode="json"))})


def last_activity_ref(org_id: str, voicemail_id: str, kind: str, user_id: str) -> Ref[str]:
    """Returns the reference to the time of a member's last recorded view or play."""
    return Ref("activity", {"pk": _partition(org_id, voicemail_id), "sk": f"last#{kind}#{user_id}"}, _time_of)


def _time_of(item: Item) -> str:
    return str(item["at"])


def last_activity_write(voicemail: Voicemail, entry: VoicemailActivity, latest: str, otherwise: Refusal) -> Put:
    """Returns the write that records a view or play, if the last recorded one is not later than `latest`."""
    return Put(
        table="activity",
        item={**last_activity_ref(voicemail.org_id, voicemail.id, entry.kind, entry.actor_id).key, "at": entry.at},
        condition="attribute_not_exists(pk) OR #at <= :latest",
        names={"#at": "at"},
        values={":latest": latest},
        otherwise=otherwise,
    )


def list_timeline(
    org_id: str, voicemail_id: str, limit: int, after: str | None
) -> tuple[list[VoicemailActivity], str | None]:
    """Returns a page of the timeline, the newest first, and the cursor of the next page."""
    query = Query(table="activity", partition=_partition(org_id, voicemail_id), begins="timeline#", forward=False)
    name = f"voicemail-timeline:{voicemail_id}"
    return read_query_page(query, VoicemailActivity.model_validate, org_id, name, limit, after)


def delete_activity(org_id: str, voicemail_id: str) -> None:
    """Deletes the timeline of a deleted voicemail. It may run several times."""
    keys: Sequence[Key] = [
        {"pk": item["pk"], "sk": item["sk"]}
        for item in Query(table="activity", partition=_partition(org_id, voicemail_id)).read_all()
        if item["sk"] != "voicemail"
    ]
    if keys:
        delete_items("activity", keys)
