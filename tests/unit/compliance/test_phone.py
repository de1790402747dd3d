"""Numbers: what is one, whose law holds, and which reach nobody."""

from __future__ import annotations

import pytest

from switchboard.compliance import magic, phone
from switchboard.compliance.phone import Kind
from switchboard.errors import Invalid


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
def test_what_is_no_e164_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        phone.parse(text)
    assert refusal.value.code == "invalid_number"
    assert set(refusal.value.details["fields"]) == {"to"}


@pytest.mark.parametrize(
    ("text", "region", "state", "kind", "american"),
    [
        ("+14155550142", "US", "CA", Kind.GEOGRAPHIC, True),
        ("+14234001234", "US", "TN", Kind.GEOGRAPHIC, True),
        ("+17875551234", "PR", "PR", Kind.GEOGRAPHIC, True),
        ("+16715551234", "GU", "GU", Kind.GEOGRAPHIC, True),
        ("+16842581234", "AS", "AS", Kind.GEOGRAPHIC, True),
        ("+13407741234", "VI", "VI", Kind.GEOGRAPHIC, True),
        ("+16702341234", "MP", "MP", Kind.GEOGRAPHIC, True),
        ("+18005551212", "US", None, Kind.TOLL_FREE, True),
        ("+18335551212", "US", None, Kind.TOLL_FREE, True),
        ("+19005551212", "US", None, Kind.NON_GEOGRAPHIC, True),
        ("+15005550006", "US", None, Kind.NON_GEOGRAPHIC, True),
        ("+19995551212", None, None, Kind.GEOGRAPHIC, True),  # nobody's code: the strictest law is taken
        ("+14165551234", "CA", None, Kind.GEOGRAPHIC, False),
        ("+12425551234", "BS", None, Kind.GEOGRAPHIC, False),
        ("+18765551234", "JM", None, Kind.GEOGRAPHIC, False),
        ("+18095551234", "DO", None, Kind.GEOGRAPHIC, False),
        ("+442079460000", "GB", None, Kind.GEOGRAPHIC, False),
        ("+61491570156", "AU", None, Kind.GEOGRAPHIC, False),
        ("+80012345678", None, None, Kind.NON_GEOGRAPHIC, False),
    ],
)
def test_a_number_tells_whose_law_holds(
    text: str, region: str | None, state: str | None, kind: Kind, american: bool
) -> None:
    number = phone.parse(text)
    assert (number.region, number.state, number.kind, number.american) == (region, state, kind, american)


@pytest.mark.parametrize(
    ("text", "nobody"),
    [
        ("+14155550100", True),
        ("+14155550142", True),
        ("+14155550199", True),
        ("+14165550142", True),  # Canada sets them aside too
        ("+14155550099", False),
        ("+14155550200", False),
        ("+14155560142", False),
        ("+18005550142", False),  # toll-free 555-01XX numbers may be somebody's
        ("+15005550000", True),
        ("+15005550099", True),
        ("+15005550100", False),
        ("+442079460000", False),
    ],
)
def test_numbers_that_reach_nobody(text: str, nobody: bool) -> None:
    assert phone.parse(text).reaches_nobody is nobody


def test_every_magic_number_is_a_number_that_reaches_nobody() -> None:
    assert set(magic.NUMBERS.values()) == set(magic.Outcome)
    assert len(set(magic.NUMBERS.values())) == len(magic.NUMBERS)
    for number in magic.NUMBERS:
        assert phone.parse(number).reaches_nobody
