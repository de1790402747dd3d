"""Warnings about campaigns that reviewers often refuse."""

from __future__ import annotations

from typing import Any

from switchboard.brands import drafts, service
from switchboard.brands.campaign_warnings import find_campaign_warnings
from switchboard.team.models import Member
from tests.tables import each
from tests.unit.brands.desk import CAMPAIGN, TOP, save_drafts

GOOD: dict[str, Any] = CAMPAIGN | {
    "message_flow": "Patients agree at the desk. Message frequency varies. Message and data rates may apply."
    " Reply HELP for help.",
    "samples": [
        "Lakeside Clinic: your appointment is on Monday. Reply STOP to end.",
        "LAKESIDE CLINIC: we got your question and answer it today.",
    ],
}


@each(
    "changes, fields",
    [
        ({}, []),
        ({"samples": ["Your appointment is on Monday.", *GOOD["samples"]]}, ["samples[0]"]),
        ({"samples": ["Lakeside Clinic: your appointment is on Monday."]}, ["samples"]),
        ({"message_flow": GOOD["message_flow"].replace("HELP for help", "us")}, ["help_message"]),
        ({"message_flow": GOOD["message_flow"] + " We bought a list from a partner."}, ["message_flow"]),
        ({"message_flow": GOOD["message_flow"].replace("rates may apply", "are free")}, ["message_flow"]),
        ({"message_flow": GOOD["message_flow"].replace("frequency varies", "texts come")}, ["message_flow"]),
        ({"samples": 7, "message_flow": None}, []),
        ({"samples": [7]}, []),
    ],
)
def test_what_a_reviewer_may_refuse_is_a_warning(changes: dict[str, Any], fields: list[str]) -> None:
    assert [one.field for one in find_campaign_warnings(GOOD | changes, TOP)] == fields


def test_warnings_end_with_the_submission(ada: Member) -> None:
    assert service.list_warnings(save_drafts(ada, campaign=False)) == []
    saved = drafts.save_campaign(ada, CAMPAIGN)
    assert {one.field for one in service.list_warnings(saved)} == {"samples", "help_message", "message_flow"}
    assert service.list_warnings(service.submit_brand(ada)) == []
