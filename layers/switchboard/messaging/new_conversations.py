"""Makes the conversation of a number and a contact that have none yet."""

from __future__ import annotations

from typing import Any

from switchboard.kit import clock
from switchboard.messaging import store, threads
from switchboard.messaging.models import TextConversation
from switchboard.numbers.models import Number


def new_conversation(
    org_id: str, number: Number, contact_e164: str, flow_id: str | None = None, assigned_user_id: str | None = None
) -> TextConversation:
    """Returns a new conversation that is not stored yet."""
    now, id_ = clock.now_iso(), threads.conversation_id_of(org_id, number.id, contact_e164)
    return TextConversation(
        id=id_,
        org_id=org_id,
        number_id=number.id,
        number_e164=number.e164,
        contact_e164=contact_e164,
        flow_id=flow_id,
        assigned_user_id=assigned_user_id,
        simulated=number.provider == "simulator",
        created_at=now,
        updated_at=now,
        **_earlier_texts(org_id, id_),
    )


def _earlier_texts(org_id: str, conversation_id: str) -> dict[str, Any]:
    """Returns the fields of a new conversation about its texts: those of campaigns are there before it."""
    newest, _ = store.list_messages(org_id, conversation_id, 1)
    if not newest:
        return {}
    return threads.last_message_fields(newest[0]) | {"message_count": store.count_messages(org_id, conversation_id)}
