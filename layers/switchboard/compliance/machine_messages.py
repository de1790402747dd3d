"""The message that a call leaves at a machine: who calls, the customer's text, and the number to call.

47 CFR 64.1200(b)(1) asks for the identity at the beginning, and (b)(2) for the telephone number of the business. (b)(3)
asks a message that sells something for a toll-free number at which people can opt out. A key that was named instead
would do nothing: a person hears the message when the call is over.
"""

from __future__ import annotations

import re

from switchboard.compliance import disclosures, phone
from switchboard.compliance.disclosures import RequiredDisclosures
from switchboard.compliance.models import Purpose

#: The characters between the digits of a number. The limit keeps the search linear.
_GAP = r"[\s().,/-]{0,4}"
_NUMBER = re.compile(rf"(?<!\d)\d(?:{_GAP}\d){{6,14}}(?!\d)")
_TOLL_FREE = re.compile(rf"(?<!\d)(?:1{_GAP})?8{_GAP}(?:0{_GAP}0|([3-8]){_GAP}\1)(?:{_GAP}\d){{7}}(?!\d)")
_CALL_US = {"en": "Our telephone number is {number}.", "es": "Nuestro n\u00famero de tel\u00e9fono es {number}."}


def names_toll_free_number(text: str) -> bool:
    """Whether a text has a toll-free number of North America, in digits."""
    return _TOLL_FREE.search(text) is not None


def may_leave(text: str, purpose: str) -> bool:
    """Whether a text may be left at a machine by a call with this purpose."""
    return purpose == Purpose.INFORMATIONAL or names_toll_free_number(text)


def write_message(text: str, needs: RequiredDisclosures, organization: str, number: str, language: str) -> str:
    """Returns the whole message, which begins with who calls. `number` is the number that the person may call.

    A text that has a telephone number gets no other one.
    """
    said = disclosures.add_disclosures(text, needs._replace(identity=True, opt_out=False), organization, language)
    if _NUMBER.search(said):
        return said
    asked = _CALL_US.get(language.split("-", maxsplit=1)[0].lower(), _CALL_US["en"])
    end = "" if said.rstrip().endswith((".", "!", "?")) else "."
    return f"{said.rstrip()}{end} {asked.format(number=_spell(number))}"


def _spell(number: str) -> str:
    """Returns the digits of a number one by one: a voice would read them as millions."""
    found = phone.parse(number)
    digits = found.national if found.country_code == 1 else f"{found.country_code}{found.national}"
    first = len(digits) % 3 or 3 if len(digits) != 10 else 3
    groups = [digits[:first], *_groups(digits[first:])]
    return ", ".join(" ".join(group) for group in groups)


def _groups(digits: str) -> list[str]:
    if len(digits) <= 4:
        return [digits] if digits else []
    return [digits[:3], *_groups(digits[3:])]
