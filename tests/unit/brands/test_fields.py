"""The names of fields in all their spellings."""

from __future__ import annotations

import pytest

from switchboard.brands import drafts
from switchboard.brands.campaign_rules import find_campaign_problems
from switchboard.brands.fields import campaign_facts, to_field
from switchboard.team.models import Member
from tests.unit.brands.desk import CAMPAIGN


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("HasEmbeddedPhone", "embedded_phone"),
        ("hasEmbeddedLinks", "embedded_link"),
        ("UsAppToPersonUsecase", "usecase"),
        ("MessageSamples", "samples"),
        ("PrivacyPolicyUrl", "privacy_policy_url"),
        ("EIN", "ein"),
        ("subUsecases", "sub_usecases"),
        ("sub_usecases", "sub_usecases"),
        ("X-Own", "X-Own"),
        ("Usecases", "Usecases"),
    ],
)
def test_a_field_has_one_name_in_all_spellings(name: str, field: str) -> None:
    assert to_field(name) == field


def test_a_campaign_in_twilios_words_is_complete() -> None:
    words = {
        "UsAppToPersonUsecase": CAMPAIGN["usecase"],
        "Description": CAMPAIGN["description"],
        "MessageFlow": CAMPAIGN["message_flow"],
        "MessageSamples": CAMPAIGN["samples"],
        "HasEmbeddedLinks": False,
        "HasEmbeddedPhone": False,
    }
    assert campaign_facts(words) == campaign_facts(CAMPAIGN)
    assert find_campaign_problems(campaign_facts(words), "PRIVATE_PROFIT") == {}


def test_a_new_spelling_takes_the_place_of_every_old_one(ada: Member) -> None:
    drafts.save_campaign(ada, {"hasEmbeddedLinks": True, "UsAppToPersonUsecase": "M2M", "X-Own": 1})
    campaign = drafts.save_campaign(ada, {"HasEmbeddedLinks": False, "useCase": "2FA", "x_own": 2}).campaign
    assert campaign
    assert campaign.fields == {"HasEmbeddedLinks": False, "useCase": "2FA", "X-Own": 1, "x_own": 2}
