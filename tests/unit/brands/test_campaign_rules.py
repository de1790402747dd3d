"""The rules of the registry for campaigns."""

from __future__ import annotations

from typing import Any

from switchboard.brands.brand_rules import MISSING
from switchboard.brands.campaign_rules import SPECIAL_USECASES, STANDARD_USECASES, find_campaign_problems
from switchboard.brands.fields import campaign_facts
from tests.tables import each
from tests.unit.brands.desk import CAMPAIGN

SAMPLE = "Your appointment at Lakeside Clinic is on Monday."

SIX = sorted(STANDARD_USECASES - {"MIXED", "LOW_VOLUME", "M2M"})[:6]


def problems_of(entity_type: str | None = "PRIVATE_PROFIT", **changes: Any) -> dict[str, str]:
    return find_campaign_problems(campaign_facts(CAMPAIGN | changes), entity_type)


@each(
    "changes",
    [
        {},
        {"usecase": "customer_care"},
        {"usecase": "MIXED", "sub_usecases": ["MARKETING", "CUSTOMER_CARE"]},
        {"usecase": "LOW_VOLUME", "sub_usecases": ["MARKETING"]},
        *(
            {"usecase": one}
            for one in sorted(STANDARD_USECASES | SPECIAL_USECASES)
            if one not in ("MIXED", "SOLE_PROPRIETOR", "CHARITY", "POLITICAL")
        ),
        {"samples": [SAMPLE] * 5},
        {"samples": ["x" * 20, "y" * 1_024]},
        {"description": "d" * 40, "message_flow": "m" * 40},
        {"description": "d" * 4_096, "message_flow": "m" * 2_048},
        {"embedded_link": True, "samples": [SAMPLE, "See https://lakeside.example.com/start for more."]},
        {"embedded_phone": True, "samples": [SAMPLE, "Call us at (415) 555-0142 to move it."]},
        {"subscriber_optin": True, "optin_message": "You get texts of Lakeside Clinic now."},
        {"optin_keywords": "START, JOIN", "optin_message": "You get texts of Lakeside Clinic now."},
        {"help_keywords": ["HELP"], "help_message": "Lakeside Clinic: call the desk for help."},
        {"privacy_policy_url": "https://lakeside.example.com/privacy", "auto_renewal": True},
    ],
)
def test_a_complete_campaign_has_no_problem(changes: dict[str, Any]) -> None:
    assert problems_of(**changes) == {}


@each(
    "changes, wrong",
    [
        *(({name: None}, {name}) for name in CAMPAIGN),
        ({"usecase": "SPAM"}, {"usecase"}),
        ({"usecase": "CHARITY"}, {"usecase"}),
        ({"usecase": "POLITICAL"}, {"usecase"}),
        ({"subscriber_optin": False}, {"subscriber_optin"}),
        ({"subscriber_optout": False, "subscriber_help": False}, {"subscriber_optout", "subscriber_help"}),
        ({"affiliate_marketing": True}, {"affiliate_marketing"}),
        ({"embedded_link": True, "samples": [SAMPLE, "Save today at https://bit.ly/abc now."]}, {"samples[1]"}),
        ({"embedded_link": True, "samples": [SAMPLE, "Save today at TinyURL.com/abc now."]}, {"samples[1]"}),
        ({"help_message": "Lakeside Clinic: read bit.ly/help for help."}, {"help_message"}),
        ({"usecase": "SOLE_PROPRIETOR"}, {"usecase"}),
        ({"usecase": "MIXED"}, {"sub_usecases"}),
        ({"usecase": "MIXED", "sub_usecases": ["MARKETING"]}, {"sub_usecases"}),
        ({"usecase": "MIXED", "sub_usecases": ["MARKETING", "MARKETING"]}, {"sub_usecases"}),
        ({"usecase": "MIXED", "sub_usecases": ["MARKETING", "MIXED"]}, {"sub_usecases"}),
        ({"usecase": "MIXED", "sub_usecases": ["MARKETING", 2]}, {"sub_usecases"}),
        ({"usecase": "MIXED", "sub_usecases": ["MARKETING", []]}, {"sub_usecases"}),
        ({"usecase": "MIXED", "sub_usecases": "MARKETING"}, {"sub_usecases"}),
        ({"usecase": "MIXED", "sub_usecases": SIX}, {"sub_usecases"}),
        ({"usecase": ["MIXED"]}, {"usecase"}),
        ({"sub_usecases": ["MARKETING", "FRAUD_ALERT"]}, {"sub_usecases"}),
        ({"description": "d" * 39}, {"description"}),
        ({"description": "d" * 4_097}, {"description"}),
        ({"message_flow": "m" * 39}, {"message_flow"}),
        ({"message_flow": "m" * 2_049}, {"message_flow"}),
        ({"samples": [SAMPLE]}, {"samples"}),
        ({"samples": [SAMPLE] * 6}, {"samples"}),
        ({"samples": SAMPLE}, {"samples"}),
        ({"samples": [SAMPLE, "x" * 19]}, {"samples[1]"}),
        ({"samples": ["x" * 1_025, 5]}, {"samples[0]", "samples[1]"}),
        ({"samples": [SAMPLE, "See https://lakeside.example.com for more."]}, {"embedded_link"}),
        ({"samples": [SAMPLE, "See lakeside.com/start for much more."]}, {"embedded_link"}),
        ({"samples": [SAMPLE, "Call 415-555-0142 to move it, please."]}, {"embedded_phone"}),
        ({"samples": [SAMPLE, "Call +14155550142 to move it, please."]}, {"embedded_phone"}),
        ({"embedded_link": "no"}, {"embedded_link"}),
        ({"embedded_phone": 0}, {"embedded_phone"}),
        ({"age_gated": "no"}, {"age_gated"}),
        ({"subscriber_optin": True}, {"optin_message"}),
        ({"optout_keywords": "STOP"}, {"optout_message"}),
        ({"subscriber_help": True, "help_message": "Call."}, {"help_message"}),
        ({"help_message": "h" * 321}, {"help_message"}),
        ({"optin_keywords": "START!", "optin_message": "You get texts of us now."}, {"optin_keywords"}),
        ({"optin_keywords": "A" * 256, "optin_message": "You get texts of us now."}, {"optin_keywords"}),
        ({"optin_keywords": [1], "optin_message": "You get texts of us now."}, {"optin_keywords"}),
        ({"privacy_policy_url": "lakeside.example.com/privacy"}, {"privacy_policy_url"}),
        ({"terms_and_conditions_url": "https://nowhere"}, {"terms_and_conditions_url"}),
    ],
)  # fmt: skip
def test_each_wrong_field_is_named(changes: dict[str, Any], wrong: set[str]) -> None:
    assert problems_of(**changes).keys() == wrong


def test_a_sole_proprietor_has_a_use_case_of_its_own() -> None:
    assert problems_of("SOLE_PROPRIETOR").keys() == {"usecase"}
    assert problems_of("SOLE_PROPRIETOR", usecase="SOLE_PROPRIETOR") == {}


def test_an_empty_campaign_lacks_all_required_fields_at_once() -> None:
    found = find_campaign_problems({}, None)
    assert found == dict.fromkeys(CAMPAIGN, MISSING)


def test_a_non_profit_may_ask_for_gifts_and_votes() -> None:
    assert problems_of("NON_PROFIT", usecase="CHARITY") == problems_of("NON_PROFIT", usecase="POLITICAL") == {}


def test_an_address_that_only_ends_like_a_shortener_is_none() -> None:
    assert (
        problems_of(embedded_link=True, samples=[SAMPLE, "See https://rabbit.ly/abc and https://bit.lyon.com/."]) == {}
    )


def test_camel_case_and_the_words_of_twilio_are_the_same_fields() -> None:
    facts = campaign_facts(
        {"messageFlow": "m", "hasEmbeddedLinks": False, "message_samples": ["a"], "subUsecases": ["2fa"]}
    )
    assert facts == {"message_flow": "m", "embedded_link": False, "samples": ["a"], "sub_usecases": ["2FA"]}
