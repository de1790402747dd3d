"""Finds in a campaign what reviewers often refuse. Words cannot prove it, so these are warnings. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_STOP = re.compile(r"\b(?:stop|unsubscribe|opt[ -]?out)\b", re.I)
_HELP = re.compile(r"\bhelp\b", re.I)
_RATES = re.compile(r"\b(?:rates?|charges?|fees?)\b.{0,40}\bapply\b", re.I | re.S)
_FREQUENCY = re.compile(r"\bfrequency\b|\b(?:per|a|each|every) (?:day|week|month)\b|\bmsgs?/\w+|\brecurring\b", re.I)
_FOREIGN_CONSENT = re.compile(
    r"\b(?:bought|buy|purchas\w+|rent\w*|acquir\w+|third[ -]part\w+|lead gen\w*|data broker\w*)\b", re.I
)


class CampaignWarning(NamedTuple):
    """A reason why a reviewer may refuse a campaign. It does not stop the submission."""

    field: str
    message: str


def find_campaign_warnings(campaign: Mapping[str, Any], brand: Mapping[str, Any]) -> list[CampaignWarning]:
    """Returns what a reviewer may miss in the facts of a campaign, or may not accept."""
    given = campaign.get("samples")
    samples = [one for one in given if isinstance(one, str)] if isinstance(given, list) else []
    flow = str(campaign.get("message_flow") or "")
    names = [str(brand[name]).casefold() for name in ("display_name", "company_name") if brand.get(name)]
    warnings = []
    if samples and names:
        nameless = [place for place, one in enumerate(samples) if not any(name in one.casefold() for name in names)]
        told = "does not name the sender: begin the text with the name of the brand"
        warnings += [CampaignWarning(f"samples[{place}]", told) for place in nameless]
    if samples and not any(_STOP.search(one) for one in samples):
        warnings.append(CampaignWarning("samples", "no text says how to opt out: add, for example, Reply STOP to end."))
    if samples and not (
        _HELP.search(f"{campaign.get('help_message') or ''} {flow}") or any(map(_HELP.search, samples))
    ):
        warnings.append(CampaignWarning("help_message", "nothing says how to get help: add a message about HELP"))
    if flow and _FOREIGN_CONSENT.search(flow):
        told = "seems to use consent that others collected: reviewers accept only consent that people gave to the brand"
        warnings.append(CampaignWarning("message_flow", told))
    consent = f"{flow} {campaign.get('optin_message') or ''}"
    if flow and not _RATES.search(consent):
        told = "does not say that message and data rates may apply: say it where people agree"
        warnings.append(CampaignWarning("message_flow", told))
    if flow and not _FREQUENCY.search(consent):
        told = "does not say how often texts come: say, for example, that the message frequency varies"
        warnings.append(CampaignWarning("message_flow", told))
    return warnings
