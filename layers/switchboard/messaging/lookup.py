"""Reads conversations and texts, for nouns that build on them."""

from __future__ import annotations

from switchboard.messaging.store import conversation_ref, list_newest_messages

__all__ = ["conversation_ref", "list_newest_messages"]
