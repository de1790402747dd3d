"""The legal purpose that a sender's own words for the purpose of a text mean."""

from __future__ import annotations

import pytest

from switchboard.compliance.models import Purpose
from switchboard.compliance.verdicts import Blocked
from switchboard.messaging import gate
from switchboard.messaging.models import Author
from tests.actors import Tenant
from tests.unit.messaging.texts_out import CALIFORNIAN, open_desk

_SELLING = [
    "telemarketing",
    "marketing",
    " Marketing",
    "promotion",
    "promotional",
    "spring_promo",
    "sales",
    "flash-sale",
]
_SELLING += ["ADVERTISING", "offer", "special offers", "discount", "ad", "black friday deals", "Promoción", "oferta"]


@pytest.mark.parametrize("words", _SELLING)
def test_words_that_sell_mean_telemarketing(words: str) -> None:
    assert gate.find_purpose(words) is Purpose.TELEMARKETING
    assert gate.asks_hours(Author.USER, words, asked=False)


@pytest.mark.parametrize(
    "words", [None, "", "informational", "support", "appointment", "reminder", "address", "dealer"]
)
def test_other_words_are_informational(words: str | None) -> None:
    assert gate.find_purpose(words) is Purpose.INFORMATIONAL


def test_a_text_that_sells_needs_a_written_consent_whatever_it_is_called(acme: Tenant) -> None:
    desk = open_desk(acme)
    talk = desk.talk_with(CALIFORNIAN)
    for words in ("telemarketing", "marketing"):
        with pytest.raises(Blocked) as refused:
            desk.ask(talk, "50% off today!", purpose=words)
        assert refused.value.code == "consent_insufficient"
