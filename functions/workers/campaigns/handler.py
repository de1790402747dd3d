"""Starts campaigns, and hands their texts to the carrier, turn by turn."""

from __future__ import annotations

from switchboard import workers
from switchboard.campaigns import changes, dispatch, records
from switchboard.campaigns.jobs import ConfirmClaims, DispatchCampaign, StartCampaign, TakeTurn

handler = workers.job_handler(
    {
        StartCampaign: changes.start_campaign,
        DispatchCampaign: dispatch.dispatch_campaign,
        TakeTurn: dispatch.take_turn,
        ConfirmClaims: records.confirm_claims,
    }
)
