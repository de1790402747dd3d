"""Phone numbers: valid ones, the law of each, and numbers that reach nobody."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.carriers import magic_numbers
from switchboard.compliance import phone
from switchboard.compliance.phone import NumberKind
from switchboard.errors import Invalid
from tests.unit.properties import example_settings


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4155550142",
        "14155550142",
        "+1 415 555 0142",
        "+1415555014",  # too short for its country
        "+141555501422",  # too long for its country
        "+10155550142",  # no area code begins with 0
        "+14151550142",  # no exchange begins with 1
        "+19115550142",  # a service code
        "+0123456789",
        "+1415555014a",
        "+1415555014\uff12",  # a digit, but not an ASCII one
        "+14155550142\n",
        "+4420794600",
        "+44020794600001",
        "+4402079460000",  # with the trunk zero, which is not E.164
        "+999123456789",
        "+1234567890123456",
        "tel:+14155550142",
    ],
)
def test_an_invalid_e164_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        phone.parse(text)
    assert refusal.value.code == "invalid_number"
    assert set(refusal.value.details["fields"]) == {"to"}


@pytest.mark.parametrize(
    ("text", "region", "state", "kind", "american"),
    [
        ("+14155550142", "US", "CA", NumberKind.GEOGRAPHIC, True),
        ("+14234001234", "US", "TN", NumberKind.GEOGRAPHIC, True),
        ("+17875551234", "PR", "PR", NumberKind.GEOGRAPHIC, True),
        ("+16715551234", "GU", "GU", NumberKind.GEOGRAPHIC, True),
        ("+16842581234", "AS", "AS", NumberKind.GEOGRAPHIC, True),
        ("+13407741234", "VI", "VI", NumberKind.GEOGRAPHIC, True),
        ("+16702341234", "MP", "MP", NumberKind.GEOGRAPHIC, True),
        ("+18005551212", "US", None, NumberKind.TOLL_FREE, True),
        ("+18335551212", "US", None, NumberKind.TOLL_FREE, True),
        ("+19005551212", "US", None, NumberKind.NON_GEOGRAPHIC, True),
        ("+15005550006", "US", None, NumberKind.NON_GEOGRAPHIC, True),
        ("+19995551212", None, None, NumberKind.GEOGRAPHIC, True),  # an unassigned code: the strictest law applies
        ("+14165551234", "CA", None, NumberKind.GEOGRAPHIC, False),
        ("+12425551234", "BS", None, NumberKind.GEOGRAPHIC, False),
        ("+18765551234", "JM", None, NumberKind.GEOGRAPHIC, False),
        ("+18095551234", "DO", None, NumberKind.GEOGRAPHIC, False),
        ("+442079460000", "GB", None, NumberKind.GEOGRAPHIC, False),
        ("+61491570156", "AU", None, NumberKind.GEOGRAPHIC, False),
        ("+80012345678", None, None, NumberKind.NON_GEOGRAPHIC, False),
    ],
)
def test_a_number_determines_the_law(
    text: str, region: str | None, state: str | None, kind: NumberKind, american: bool
) -> None:
    number = phone.parse(text)
    assert (number.region, number.state, number.kind, number.american) == (region, state, kind, american)


@pytest.mark.parametrize(
    ("text", "nobody"),
    [
        ("+14155550100", True),
        ("+14155550142", True),
        ("+14155550199", True),
        ("+14165550142", True),  # Canada reserves these numbers too
        ("+14155550099", False),
        ("+14155550200", False),
        ("+14155560142", False),
        ("+18005550142", False),  # toll-free 555-01XX numbers may be assigned
        ("+15005550000", True),
        ("+15005550099", True),
        ("+15005550100", False),
        ("+442079460000", False),
    ],
)
def test_reserved_numbers_reach_nobody(text: str, nobody: bool) -> None:
    assert phone.parse(text).reaches_nobody is nobody


def test_every_magic_number_reaches_nobody() -> None:
    assert set(magic_numbers.MAGIC_NUMBERS.values()) == set(magic_numbers.MagicOutcome)
    assert len(set(magic_numbers.MAGIC_NUMBERS.values())) == len(magic_numbers.MAGIC_NUMBERS)
    for number in magic_numbers.MAGIC_NUMBERS:
        assert phone.parse(number).reaches_nobody


@pytest.mark.parametrize(
    "text",
    [
        "+1 415 555 0143",
        "+1 (415) 555-0143",
        "+1.415.555.0143",
        "+1/415/555/0143",
        "\u202d+1 (415) 555-0143\u202c",  # copied from an address book
        "\u2066+1 (415) 555-0143\u2069",
        "\u200e+14155550143\u200f",
        "\u061c+14155550143",
        "\ufeff+1415\u200b555\u200c01\u200d43\u2060",
        "+1415\u00ad555\u00ad0143",
        "+1415555\ufe0f0143",
        "\uff0b\uff11 \uff08\uff14\uff11\uff15\uff09\uff15\uff15\uff15\uff0d\uff10\uff11\uff14\uff13",
        "\u3000+1\u3000415\u3000555\u30000143",
        "\ufe621 415 555 0143",
        "+1\u00a0415\u202f555\u20090143",
        "+1\u2011415\u2012555\u20130143",
        "+1\u2014415\u2212555\ufe630143",
        "+1\u00b7415\u2022555\u30fb0143",
        "+\u0661 \u0664\u0661\u0665 \u0665\u0665\u0665 \u0660\u0661\u0664\u0663",
        "+\u06f1 \u06f4\u06f1\u06f5 \u06f5\u06f5\u06f5 \u06f0\u06f1\u06f4\u06f3",
        "+\u0967\u096a\u0967\u096b\u096b\u096b\u096b\u0966\u0967\u096a\u0969",
        "tel:+1-415-555-0143",
        "TEL:+14155550143",
        "tel://+14155550143",
        "\u202atel:+14155550143\u202c",
        "\t+14155550143\r\n",
    ],
)
def test_a_pasted_number_is_parsed(text: str) -> None:
    assert phone.parse_pasted(text).e164 == "+14155550143"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("+1 415 555 0143 ext. 12", "has an extension: give the number without it"),
        ("+1 415 555 0143 extension 12", "has an extension: give the number without it"),
        ("+1 415 555 0143 x12", "has an extension: give the number without it"),
        ("+14155550143x12", "has an extension: give the number without it"),
        ("+14155550143#12", "has an extension: give the number without it"),
        ("+14155550143,,12", "has an extension: give the number without it"),
        ("tel:+14155550143;ext=12", "has an extension: give the number without it"),
        ("tel:+14155550143;phone-context=example.com", "has parameters: give the number alone"),
        ("+1 800 FLOWERS", "has letters: give the digits that they stand for"),
        ("+1 415 555 014\u0431", "has letters: give the digits that they stand for"),
        ("mobile: +14155550143", "has letters: give the digits that they stand for"),
        ("415 555 0143", "must be an E.164 number such as +14155550142"),
        ("0014155550143", "must be an E.164 number such as +14155550142"),
        ("+1415555014\u00b2", "must be an E.164 number such as +14155550142"),
        ("+14155550143\u00b9", "must be an E.164 number such as +14155550142"),
        ("++14155550143", "must be an E.164 number such as +14155550142"),
        ("+1415555014", "must be an E.164 number such as +14155550142"),
        ("+1415555\x000143", "must be an E.164 number such as +14155550142"),
        ("+1415555_0143", "must be an E.164 number such as +14155550142"),
        ("", "must be an E.164 number such as +14155550142"),
        ("tel:", "must be an E.164 number such as +14155550142"),
    ],
)
def test_text_with_more_or_less_than_a_number_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(Invalid) as refusal:
        phone.parse_pasted(text, "number")
    assert (refusal.value.code, refusal.value.details["fields"]) == ("invalid_number", {"number": why})


@given(st.text(max_size=32) | st.text(alphabet="+0123456789 ()x;ext=tel:,#\u202d\uff0b\u0661\u00b2", max_size=32))
@example_settings(500)
def test_any_pasted_text_is_a_number_or_refused(text: str) -> None:
    try:
        number = phone.parse_pasted(text).e164
    except Invalid:
        return
    assert phone.parse(number).e164 == number


#: The kinds whose calls pay the holder of a number, or cost the caller more.
COSTLY_KINDS = [
    phonenumbers.PhoneNumberType.PREMIUM_RATE,
    phonenumbers.PhoneNumberType.SHARED_COST,
    phonenumbers.PhoneNumberType.PERSONAL_NUMBER,
    phonenumbers.PhoneNumberType.PAGER,
]
COSTLY_EXAMPLES = sorted(
    {
        phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
        for region in phonenumbers.SUPPORTED_REGIONS
        for kind in COSTLY_KINDS
        if (found := phonenumbers.example_number_for_type(region, kind))
    }
)


@pytest.mark.parametrize(
    ("text", "costly"),
    [
        ("+499001123456", True),
        ("+4990011234567", True),  # a digit more
        ("+49900112345678", True),
        ("+398991234567", True),
        ("+358600123456789", True),
        ("+819901234567", True),
        ("+6280912345678", True),
        ("+35290512345678", True),
        ("+86168123456", True),
        ("+44906123456", True),  # a digit less
        ("+4870123456", True),
        ("+447012345678", True),  # a personal number
        ("+447640123456", True),  # a pager
        ("+15212345678", True),  # a personal number
        ("+881612345678", True),
        ("+979123456789", True),
        ("+15005550006", False),  # a magic number
        ("+14155550142", False),
        ("+19995551212", False),  # an unassigned area code
        ("+18005551212", False),
        ("+442079460000", False),
        ("+445512345678", False),  # a company's number
        ("+498912345678", False),
        ("+4915112345678", False),
        ("+390612345678", False),
        ("+46102345678", False),
    ],
)
def test_a_costly_number_is_known_also_with_digits_too_many_or_too_few(text: str, costly: bool) -> None:
    assert phone.is_costly(text) is costly


@given(st.sampled_from(COSTLY_EXAMPLES), st.text(alphabet="0123456789", max_size=4), st.integers(0, 2))
@example_settings(500)
def test_digits_do_not_make_a_costly_number_cheap(costly: str, more: str, fewer: int) -> None:
    text = costly[: len(costly) - fewer] if fewer else costly + more
    try:
        is_costly = phone.is_costly(text)
    except Invalid:
        return  # no network could route it
    cheap = phonenumbers.number_type(phonenumbers.parse(text)) not in [
        *COSTLY_KINDS,
        phonenumbers.PhoneNumberType.UNKNOWN,
    ]
    assert is_costly or cheap
