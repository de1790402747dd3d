"""The things of an inbox, and a member's read state of all of them."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import BaseModel


class InboxThing(NamedTuple):
    """A thing in an inbox, such as a call: its id, and the time of its creation as `clock.format_iso` writes it.

    The time never changes: it decides the position of the thing. The list of unread things returns the `hint`, a text
    of the noun's own, for example an id that the noun reads beside the thing.
    """

    id: str
    created_at: str
    hint: str = ""

    @property
    def place(self) -> str:
        """The position in the inbox. It is also the thing's place in its own lists (`persistence.listing.place_of`)."""
        return f"{self.created_at}#{self.id}"

    @classmethod
    def of_place(cls, place: str, hint: str = "") -> InboxThing:
        """Returns the thing at a position."""
        created_at, _, id_ = place.partition("#")
        return cls(id_, created_at, hint)


class ReadState(BaseModel):
    """A member's read state of an inbox.

    All things created up to `marked_at` are read, and all later things are unread, except those with a flag.
    `read_flags` is the number of later things with the flag that they are read, and `unread_flags` is the number of
    other things with the flag that they are unread. Marking all as read starts the next `epoch`, which makes the flags
    of the earlier epochs invalid. A member without a stored state has read nothing.
    """

    epoch: int = 0
    marked_at: str = ""
    read_flags: int = 0
    unread_flags: int = 0

    def covers(self, thing: InboxThing) -> bool:
        """Whether the last marking of all things includes this thing."""
        return thing.created_at <= self.marked_at

    def flag_of(self, thing: InboxThing) -> str:
        """Returns the kind of the flag that makes this thing an exception: `read` or `unread`."""
        return "unread" if self.covers(thing) else "read"

    def has_flags(self, flag: str) -> bool:
        """Whether any thing has a valid flag of the kind `read` or `unread`."""
        return bool(self.unread_flags if flag == "unread" else self.read_flags)

    def is_read(self, thing: InboxThing, flag_epoch: int | None) -> bool:
        """Whether a thing is read. `flag_epoch` is the epoch of its flag of the kind `flag_of`, if it has one."""
        return self.covers(thing) != (flag_epoch == self.epoch)
