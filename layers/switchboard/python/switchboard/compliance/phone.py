"""Telephone numbers in E.164: what a number says of itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from switchboard.compliance import pasted
from switchboard.compliance.data import area_codes
from switchboard.compliance.pasted import NotDialableError
from switchboard.errors import Invalid

#: The contracts' pattern, with ASCII digits only.
PATTERN = r"^\+[1-9][0-9]{6,14}$"

_E164 = re.compile(PATTERN.removesuffix("$"))
# Neither an area code nor an exchange begins with 0 or 1, and no area code is a service code (911).
_NORTH_AMERICAN = re.compile(r"\+1(?!.11)[2-9][0-9]{2}[2-9][0-9]{6}")
_FICTIONAL = re.compile(r"\+1[2-9][0-9]{2}55501[0-9]{2}")
# Carriers' own test numbers; the 500 code is of no place, and nobody holds this exchange of it.
_MAGIC = re.compile(r"\+150055500[0-9]{2}")


class Kind(StrEnum):
    """Whether a number belongs to a place."""

    GEOGRAPHIC = "geographic"
    TOLL_FREE = "toll_free"
    NON_GEOGRAPHIC = "non_geographic"


@dataclass(frozen=True, slots=True)
class Phone:
    """A number. `region` is an ISO 3166 code, or None where the number's own country is unknown."""

    e164: str
    country_code: int
    national: str
    region: str | None
    kind: Kind
    area_code: str | None = None
    state: str | None = None

    @property
    def american(self) -> bool:
        """Whether the law of the United States holds. A number of the shared plan that no other country has counts."""
        return self.country_code == 1 and self.region in {None, "US", *area_codes.TERRITORIES}

    @property
    def reaches_nobody(self) -> bool:
        """Whether no telephone can ring: 555-0100 to 555-0199 of a place (set aside for fiction), the test exchange."""
        fictional = self.kind is Kind.GEOGRAPHIC and _FICTIONAL.fullmatch(self.e164)
        return bool(fictional or _MAGIC.fullmatch(self.e164))


#: Satellites, ships, networks of no country and international premium rate: each minute costs dollars.
_COSTLY_CODES = frozenset({808, 870, 878, 881, 882, 883, 888, 979})


def costs_extra(text: str) -> bool:
    """Whether a call to a number pays its holder, or a network of no country. Raises Invalid for what is no number."""
    found = parse(text)
    if found.country_code in _COSTLY_CODES:
        return True
    import phonenumbers

    kind = phonenumbers.number_type(phonenumbers.parse(text))
    return kind in (phonenumbers.PhoneNumberType.PREMIUM_RATE, phonenumbers.PhoneNumberType.SHARED_COST)


def parse(text: str) -> Phone:
    """A number from its E.164 text. Raises Invalid for anything else, and for what no network could route."""
    if not _E164.fullmatch(text):
        raise _invalid()
    import phonenumbers

    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException as error:
        raise _invalid() from error
    country = number.country_code or 0
    # Whether a number is in use is for the carrier to say: the library's ranges age, its lengths hardly do.
    possible = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    if country == 1:
        possible = possible and bool(_NORTH_AMERICAN.fullmatch(text))
    if not possible or phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) != text:
        raise _invalid()
    if country == 1:
        return _north_american(text, phonenumbers.region_code_for_number(number))
    region = phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(country)
    return Phone(
        e164=text,
        country_code=country,
        national=phonenumbers.national_significant_number(number),
        region=None if region in ("ZZ", "001") else region,
        kind=Kind.NON_GEOGRAPHIC if region in ("ZZ", "001") else Kind.GEOGRAPHIC,
    )


def written(text: str, field: str = "e164") -> Phone:
    """A number from E.164 as people write and paste it (`pasted`). Raises Invalid, which names the field."""
    try:
        return parse(pasted.bare(text))
    except NotDialableError as error:
        raise Invalid(f"This number {error}.", code="invalid_number", fields={field: str(error)}) from None
    except Invalid as error:
        told = error.details["fields"]["to"]
        raise Invalid(error.message, code=error.code, fields={field: told}) from None


def _north_american(text: str, library_region: str | None) -> Phone:
    code, kind, state, region = text[2:5], Kind.GEOGRAPHIC, None, library_region
    if code in area_codes.NON_GEOGRAPHIC:
        kind = Kind.TOLL_FREE if code in area_codes.TOLL_FREE else Kind.NON_GEOGRAPHIC
        region = "US"  # shared by the whole plan; the strictest of its laws is taken
    elif code in area_codes.AREA_CODES:
        state = area_codes.AREA_CODES[code][0]
        region = state if state in area_codes.TERRITORIES else "US"
    return Phone(e164=text, country_code=1, national=text[2:], region=region, kind=kind, area_code=code, state=state)


def _invalid() -> Invalid:
    return Invalid(
        "This is not a telephone number in E.164 form.",
        code="invalid_number",
        fields={"to": "must be an E.164 number such as +14155550142"},
    )
