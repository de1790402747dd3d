"""The names of the tools that every flow has in texts."""

from __future__ import annotations

ASSIGN_TO_HUMAN = "assign_to_human"
CLOSE_CONVERSATION = "close_conversation"
TRANSFER_TO_AGENT = "transfer_to_agent"
SCHEDULE_FOLLOW_UP = "schedule_follow_up"
REPORT_OUTCOMES = "report_outcomes"

BUILT_IN = frozenset({ASSIGN_TO_HUMAN, CLOSE_CONVERSATION, TRANSFER_TO_AGENT, SCHEDULE_FOLLOW_UP, REPORT_OUTCOMES})
