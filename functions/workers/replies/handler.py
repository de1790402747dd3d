"""Answers texts by the AI of a flow."""

from __future__ import annotations

from switchboard import workers
from switchboard.replies import service
from switchboard.replies.jobs import ContinueReply, ReplyToTexts

handler = workers.job_handler({ReplyToTexts: service.reply_to_texts, ContinueReply: service.continue_reply})
