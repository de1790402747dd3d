"""The fields of the drafts of brands and campaigns, as the documents of HUM describe them.

A draft takes any value, and its submission checks it. So these fields have descriptions and no types. Webhooks have the
fields of a campaign with their types: only what is submitted is told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from switchboard.brands.brand_rules import (
    BUSINESS_TYPES,
    ENTITY_TYPES,
    EXCHANGES,
    INDUSTRIES,
    RELATIONSHIPS,
    VERTICALS,
)
from switchboard.brands.campaign_rules import USECASES
from switchboard.brands.fields import BRAND_FIELDS, CAMPAIGN_FIELDS, campaign_facts

_FLAG = "True or false."


def _one_of(words: Collection[str]) -> str:
    return f"One of {', '.join(f'`{word}`' for word in sorted(words))}."


BRAND_ABOUT: dict[str, str] = {
    "entity_type": f"The form of the business. {_one_of(ENTITY_TYPES)}",
    "display_name": "The name that people know, if it is not sent beside the payload.",
    "company_name": "The legal name, as the record of the tax number has it. Not for a sole proprietor.",
    "ein": "The tax number, if it is not sent beside the payload. Not for a sole proprietor.",
    "ein_issuing_country": "The country of the tax number, such as `US`, which is the default.",
    "phone": "The telephone number of the business in E.164.",
    "street": "The street with its number.",
    "city": "The city.",
    "state": "The state or province with two letters, such as `CA`.",
    "postal_code": "The postal code: five digits in the United States.",
    "country": "The country with two letters, such as `US`.",
    "email": "The email address of the business.",
    "website": "The website, if it is not sent beside the payload.",
    "brand_relationship": _one_of(RELATIONSHIPS),
    "vertical": f"The industry. A sole proprietor may leave it out. {_one_of(VERTICALS)}",
    "business_type": f"The legal form. Twilio asks each company for it. {_one_of(BUSINESS_TYPES)}",
    "business_industry": f"The industry in Twilio's words. Twilio asks each company for it. {_one_of(INDUSTRIES)}",
    "stock_symbol": "The stock symbol. Only for `PUBLIC_PROFIT`.",
    "stock_exchange": f"Only for `PUBLIC_PROFIT`. {_one_of(EXCHANGES)}",
    "alt_business_id": "Another number of the business. Send `alt_business_id_type`, too. Twilio has no place for it.",
    "alt_business_id_type": "One of `DUNS`, `GIIN`, `LEI`.",
    "mobile_phone": "Gets the text by which a sole proprietor proves the registration. Without it, `phone` does.",
    "first_name": "The first name of the sole proprietor or of the company's representative.",
    "last_name": "The last name of the sole proprietor or of the company's representative.",
    "business_title": "The title of the company's representative.",
    "job_position": "The position of the company's representative.",
    "reference_id": "Your own id of the brand: 1 to 50 characters.",
    "mock": f"Whether the brand is only a test. {_FLAG}",
}
#: The fields of a campaign with their types once they are submitted.
CAMPAIGN_ABOUT: dict[str, tuple[Any, str]] = {
    "usecase": (str, f"The purpose of the texts. {_one_of(USECASES)}"),
    "sub_usecases": (list[str], "The use cases of a campaign with `MIXED`: 2 to 5."),
    "description": (str, "The purpose of the texts, in 40 to 4,096 characters."),
    "message_flow": (str, "How people agree to the texts, in 40 to 2,048 characters."),
    "samples": (list[str], "Examples of the texts: 2 to 5, with 20 to 1,024 characters each."),
    "embedded_link": (bool, f"Whether the texts have links. {_FLAG}"),
    "embedded_phone": (bool, f"Whether the texts have telephone numbers. {_FLAG}"),
    "number_pool": (bool, f"Whether more than 50 numbers send the texts. {_FLAG}"),
    "age_gated": (bool, f"Whether the texts are for adults only. {_FLAG}"),
    "direct_lending": (bool, f"Whether the texts are about loans. {_FLAG}"),
    "affiliate_marketing": (bool, f"Whether the texts advertise for others. {_FLAG}"),
    "subscriber_optin": (bool, f"Whether people opt in to the texts. {_FLAG}"),
    "subscriber_optout": (bool, f"Whether people can opt out of the texts. {_FLAG}"),
    "subscriber_help": (bool, f"Whether people can ask for help. {_FLAG}"),
    "optin_keywords": (list[str], "Words that opt in: a list, or a text with commas."),
    "optout_keywords": (list[str], "Words that opt out: a list, or a text with commas."),
    "help_keywords": (list[str], "Words that ask for help: a list, or a text with commas."),
    "optin_message": (str, "The answer to an opt-in, in 20 to 320 characters."),
    "optout_message": (str, "The answer to an opt-out, in 20 to 320 characters."),
    "help_message": (str, "The answer to a question for help, in 20 to 320 characters."),
    "privacy_policy_url": (str, "The address of the privacy policy."),
    "terms_and_conditions_url": (str, "The address of the terms and conditions."),
    "auto_renewal": (bool, f"Whether the registry renews the campaign by itself. {_FLAG}"),
}
assert tuple(BRAND_ABOUT) == BRAND_FIELDS, "describe each field of a brand, in its order"
assert tuple(CAMPAIGN_ABOUT) == CAMPAIGN_FIELDS, "describe each field of a campaign, in its order"


def describe_brand(schema: dict[str, Any]) -> None:
    """Adds the fields of a brand to the schema of a payload."""
    _describe(schema, BRAND_ABOUT)


def describe_campaign(schema: dict[str, Any]) -> None:
    """Adds the fields of a campaign to the schema of a draft, or of its view."""
    _describe(schema, {name: about for name, (_, about) in CAMPAIGN_ABOUT.items()})


def _describe(schema: dict[str, Any], about: Mapping[str, str]) -> None:
    # A payload that may be null has its object among other types.
    for part in (schema, *schema.get("anyOf", ())):
        if part.get("type") == "object":
            known = part.get("properties", {})
            part["properties"] = known | {name: {"description": text} for name, text in about.items()}


def told_campaign(draft: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields of a campaign for a webhook: all known ones, null if the draft has none of the type.

    A rejected campaign may have been changed before its webhook is sent, so its draft may have anything again.
    """
    facts = campaign_facts(draft)
    return {
        name: facts[name] if name in facts and _FITS[type_](facts[name]) else None
        for name, (type_, _) in CAMPAIGN_ABOUT.items()
    }


_FITS: dict[Any, Callable[[Any], bool]] = {
    str: lambda value: isinstance(value, str),
    bool: lambda value: isinstance(value, bool),
    list[str]: lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
}
