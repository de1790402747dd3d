"""The inbox of voicemails: each member's read state."""

from __future__ import annotations

from switchboard.inbox import service as inbox
from switchboard.inbox.models import InboxThing, ReadState
from switchboard.team.models import Member
from switchboard.voicemails.models import Voicemail

#: The name of the inbox.
INBOX = "voicemails"


def inbox_thing(voicemail: Voicemail) -> InboxThing:
    """Returns a voicemail as a thing of the inbox. The list of unread voicemails reads the contact of its number."""
    return InboxThing(voicemail.id, voicemail.created_at, voicemail.from_e164)


def set_voicemail_read(member: Member, voicemail: Voicemail, *, read: bool) -> None:
    """Marks a voicemail as read or unread for a member."""
    inbox.set_read(member.org_id, INBOX, member.user_id, inbox_thing(voicemail), read=read)


def mark_all_voicemails_read(member: Member, state: ReadState | None = None) -> int:
    """Marks all voicemails as read for a member. Returns the number of voicemails that were unread.

    A caller that has read the member's `state` already saves a request.
    """
    return inbox.mark_all_read(member.org_id, INBOX, member.user_id, member.effect, state)
