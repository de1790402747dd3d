"""Imports the recipients of campaigns, and counts their replies."""

from __future__ import annotations

from switchboard import workers
from switchboard.campaigns import imports, replies
from switchboard.campaigns.jobs import AttributeReply, ImportRecipients

handler = workers.job_handler({ImportRecipients: imports.import_recipients, AttributeReply: replies.attribute_reply})
