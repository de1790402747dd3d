"""The rules of the registry for a campaign (docs/contracts/providers.md#10dlc). Pure: all problems at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from switchboard.brands.brand_rules import ENTITY_TYPES, MISSING, SOLE_PROPRIETOR
from switchboard.brands.checks import Check, check_flag, check_url, one_of, text_of
from switchboard.brands.places import to_words

MIXED = "MIXED"
STANDARD_USECASES = to_words(
    "2FA ACCOUNT_NOTIFICATION CUSTOMER_CARE DELIVERY_NOTIFICATION FRAUD_ALERT HIGHER_EDUCATION LOW_VOLUME M2M MARKETING"
    " MIXED POLLING_VOTING PUBLIC_SERVICE_ANNOUNCEMENT SECURITY_ALERT"
)
#: These need another review.
SPECIAL_USECASES = to_words(
    "AGENTS_FRANCHISES CHARITY EMERGENCY K12_EDUCATION POLITICAL PROXY SOCIAL SOLE_PROPRIETOR SWEEPSTAKE"
)
#: The registry accepts these from non-profit organizations only.
_NON_PROFIT_USECASES = frozenset({"CHARITY", "POLITICAL"})
USECASES = STANDARD_USECASES | SPECIAL_USECASES
#: The use cases that a mixed campaign may have.
_SUB_USECASES = STANDARD_USECASES - {MIXED, "LOW_VOLUME", "M2M"}
_LEAST_SUBS, _MOST_SUBS = 2, 5
_LEAST_SAMPLES, _MOST_SAMPLES = 2, 5
_SAMPLE, _MESSAGE = text_of(20, 1_024), text_of(20, 320)
_MOST_KEYWORD_CHARACTERS = 255
_FLAGS = (
    *("embedded_link", "embedded_phone", "number_pool", "age_gated", "direct_lending", "affiliate_marketing"),
    *("subscriber_optin", "subscriber_optout", "subscriber_help", "auto_renewal"),
)
_CHECKS: dict[str, Check] = {
    "usecase": one_of(USECASES),
    "description": text_of(40, 4_096),
    "message_flow": text_of(40, 2_048),
    **dict.fromkeys(_FLAGS, check_flag),
    **dict.fromkeys(("optin_message", "optout_message", "help_message"), _MESSAGE),
    **dict.fromkeys(("privacy_policy_url", "terms_and_conditions_url"), check_url),
}
_REQUIRED = ("usecase", "description", "message_flow", "samples", "embedded_link", "embedded_phone")
#: A flag or keywords on the left ask for the message on the right.
_ANSWERS = {
    "optin_message": ("subscriber_optin", "optin_keywords"),
    "optout_message": ("subscriber_optout", "optout_keywords"),
    "help_message": ("subscriber_help", "help_keywords"),
}
#: Networks block links of public shorteners, because they hide the address.
_SHORTENERS = to_words(
    "bit.ly bitly.com buff.ly cutt.ly goo.gl is.gd ow.ly rb.gy rebrand.ly shorturl.at t.co t.ly tiny.cc tinyurl.com"
)
_SHORT_LINK = re.compile(rf"(?<![\w.-])(?:www\.)?(?:{'|'.join(map(re.escape, sorted(_SHORTENERS)))})(?![\w-])", re.I)
_NO_SHORT_LINK = "has a link of a public shortener, which networks block: write the full address"
#: The answers to these flags that no network accepts.
_REFUSED_FLAGS = {
    "subscriber_optin": (False, "must be true: networks refuse texts to people who did not opt in"),
    "subscriber_optout": (False, "must be true: everybody can opt out of texts"),
    "subscriber_help": (False, "must be true: everybody can ask for help"),
    "affiliate_marketing": (True, "must be false: networks refuse campaigns that advertise for others"),
}
_LINK = re.compile(
    r"https?://|\bwww\.|\b[a-z0-9-]+\.(?:com|org|net|io|co|ai|us|info|biz|ly|me|app|dev|link)(?:/|\b)", re.I
)
_PHONE = re.compile(r"(?<![\w/])\+?1?[ .-]?\(?[2-9][0-9]{2}\)?[ .-][0-9]{3}[ .-]?[0-9]{4}\b|\+[1-9][0-9]{7,14}\b")


def find_campaign_problems(facts: Mapping[str, Any], entity_type: str | None) -> dict[str, str]:
    """Returns what is wrong with a campaign of a business, by field."""
    problems = {name: MISSING for name in _REQUIRED if name not in facts}
    for name, check in _CHECKS.items():
        if name in facts and (problem := check(facts[name])):
            problems[name] = problem
    found = _find_usecase_problems(facts, entity_type) | _find_answer_problems(facts)
    return _find_refused_content(facts) | _find_sample_problems(facts) | found | problems


def _find_refused_content(facts: Mapping[str, Any]) -> dict[str, str]:
    """Returns the fields that every reviewer refuses."""
    problems = {name: problem for name, (refused, problem) in _REFUSED_FLAGS.items() if facts.get(name) is refused}
    samples = facts.get("samples")
    texts = {f"samples[{place}]": one for place, one in enumerate(samples)} if isinstance(samples, list) else {}
    texts |= {name: facts.get(name) for name in _ANSWERS}
    short = {place for place, one in texts.items() if isinstance(one, str) and _SHORT_LINK.search(one)}
    return problems | dict.fromkeys(short, _NO_SHORT_LINK)


def _find_usecase_problems(facts: Mapping[str, Any], entity_type: str | None) -> dict[str, str]:
    problems: dict[str, str] = {}
    usecase, subs = str(facts.get("usecase")), facts.get("sub_usecases")
    if (
        entity_type is not None
        and usecase in USECASES
        and (entity_type == SOLE_PROPRIETOR) != (usecase == SOLE_PROPRIETOR)
    ):
        problems["usecase"] = (
            "must be SOLE_PROPRIETOR for a sole proprietor"
            if entity_type == SOLE_PROPRIETOR
            else "is for a sole proprietor only: choose another one"
        )
    if usecase in _NON_PROFIT_USECASES and entity_type in ENTITY_TYPES - {"NON_PROFIT", SOLE_PROPRIETOR}:
        problems["usecase"] = "is for NON_PROFIT only: choose another one"
    if usecase == MIXED and subs is None:
        problems["sub_usecases"] = f"is missing: a mixed campaign has {_LEAST_SUBS} to {_MOST_SUBS} use cases"
    if subs is not None and (problem := _check_subs(subs, usecase)):
        problems["sub_usecases"] = problem
    return problems


def _check_subs(subs: Any, usecase: str) -> str | None:
    if not isinstance(subs, list) or any(one not in _SUB_USECASES for one in subs if isinstance(one, str)):
        return f"must be a list with some of {', '.join(sorted(_SUB_USECASES))}"
    if any(not isinstance(one, str) for one in subs) or len(set(subs)) != len(subs):
        return "must have each use case once"
    if usecase == MIXED and not _LEAST_SUBS <= len(subs) <= _MOST_SUBS:
        return f"must have {_LEAST_SUBS} to {_MOST_SUBS} use cases"
    if usecase == "LOW_VOLUME" and len(subs) > _MOST_SUBS:
        return f"must have at most {_MOST_SUBS} use cases"
    return None if usecase in (MIXED, "LOW_VOLUME") else "is for the use case MIXED only: remove it"


def _find_sample_problems(facts: Mapping[str, Any]) -> dict[str, str]:
    if "samples" not in facts:
        return {}
    samples = facts["samples"]
    if not isinstance(samples, list) or not _LEAST_SAMPLES <= len(samples) <= _MOST_SAMPLES:
        return {"samples": f"must be a list of {_LEAST_SAMPLES} to {_MOST_SAMPLES} texts"}
    problems = {f"samples[{place}]": wrong for place, one in enumerate(samples) if (wrong := _SAMPLE(one))}
    texts = [one for one in samples if isinstance(one, str)]
    if facts.get("embedded_link") is False and any(_LINK.search(one) for one in texts):
        problems["embedded_link"] = "must be true, because a sample has a link"
    if facts.get("embedded_phone") is False and any(_PHONE.search(one) for one in texts):
        problems["embedded_phone"] = "must be true, because a sample has a telephone number"
    return problems


def _find_answer_problems(facts: Mapping[str, Any]) -> dict[str, str]:
    problems: dict[str, str] = {}
    for message, (flag, keywords) in _ANSWERS.items():
        if message not in facts and (facts.get(flag) is True or keywords in facts):
            problems[message] = f"is missing: {flag} or {keywords} asks for it"
        if keywords in facts and (problem := _check_keywords(facts[keywords])):
            problems[keywords] = problem
    return problems


def _check_keywords(words: Any) -> str | None:
    good = isinstance(words, list) and all(
        isinstance(word, str) and word.isalnum() and word.isascii() for word in words
    )
    if not good:
        return "must be keywords of letters and digits, with commas between them"
    if len(",".join(words)) > _MOST_KEYWORD_CHARACTERS:
        return f"must have at most {_MOST_KEYWORD_CHARACTERS} characters"
    return None
