"""Starts campaigns at their time."""

from __future__ import annotations

from switchboard import workers
from switchboard.campaigns import changes
from switchboard.campaigns.jobs import StartCampaign

handler = workers.job_handler({StartCampaign: changes.start_campaign})
