"""The search for numbers to buy, in the simulator's stock, compared with a search by hand."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from switchboard.carriers.numbers.ports.inventory import AvailableNumber, NumberSearch, NumberSettings
from switchboard.carriers.numbers.simulator import SimulatedInventory, stock
from switchboard.carriers.outcomes import RefusedError
from switchboard.compliance import phone
from switchboard.compliance.data import area_codes
from switchboard.errors import Invalid, Unavailable
from switchboard.numbers import available, purchases
from switchboard.numbers.purchases import NumberOrder
from tests.actors import tenant

LETTERS = {
    letter: digit
    for digit, letters in enumerate(("ABC", "DEF", "GHI", "JKL", "MNO", "PQRS", "TUV", "WXYZ"), 2)
    for letter in letters
}
ALL = list(stock.STOCK.values())
one_of = st.sampled_from(ALL)


def filters_of(number: AvailableNumber) -> st.SearchStrategy[NumberSearch]:
    """Searches that may find a number: each filter is absent, or has the number's own value."""

    def maybe(value: Any) -> st.SearchStrategy[Any]:
        return st.sampled_from([None, value])

    return st.builds(
        NumberSearch,
        country=st.just(number.country),
        type=st.just("TollFree" if number.region is None else "Local"),
        area_code=maybe(number.e164[2:5]),
        contains=st.none() | st.integers(2, 9).map(lambda size: number.e164[-size:-2] + "*" + number.e164[-1]),
        region=maybe(number.region and number.region.lower()),
        locality=maybe(number.locality and number.locality.upper()),
        postal_code=maybe(number.postal_code),
        voice=maybe(number.features.voice),
        sms=maybe(number.features.sms),
        mms=maybe(number.features.mms),
    )


def fits(number: AvailableNumber, search: NumberSearch) -> bool:
    """The meaning of every filter, word by word."""
    if search.contains:
        wanted = "".join(str(LETTERS.get(char, char)) for char in search.contains.upper())
        national = number.e164[2:]
        places = range(len(national) - len(wanted) + 1)
        if not any(all(a in (b, "*") for a, b in zip(wanted, national[at:], strict=False)) for at in places):
            return False
    facts = (
        ("country", number.country), ("area_code", number.e164[2:5]), ("voice", number.features.voice),
        ("sms", number.features.sms), ("mms", number.features.mms), ("region", number.region),
        ("locality", number.locality), ("postal_code", number.postal_code),
    )  # fmt: skip
    for name, fact in facts:
        asked = getattr(search, name)
        if asked is not None and str(asked).casefold() != str(fact).casefold():
            return False
    return (search.type == "TollFree") == (number.region is None)


@given(one_of.flatmap(lambda number: st.tuples(st.just(number), filters_of(number))))
@hypothesis_settings(max_examples=60, deadline=None, derandomize=True)
def test_a_search_finds_exactly_the_numbers_that_fit(case: tuple[AvailableNumber, NumberSearch]) -> None:
    number, search = case
    found = stock.find_matching(search)
    assert number in found
    assert found == [one for one in ALL if fits(one, search)]


@pytest.mark.parametrize(
    ("contains", "matches"),
    [("555", True), ("KLJ", True), ("55501**", True), ("+1415", True), ("+555", False), ("15", True), ("99999", False)],
)
def test_a_pattern_has_digits_letters_and_stars(contains: str, matches: bool) -> None:
    assert bool(stock.find_matching(NumberSearch(area_code="415", contains=contains))) is matches


def test_the_stock_is_large_believable_and_reaches_nobody() -> None:
    assert 3_000 < len(ALL) < 6_000
    assert len({stock.sid_of(number.e164) for number in ALL}) == len(ALL)
    assert all(re.fullmatch(r"\+1[2-9]\d\d55501\d\d", number.e164) for number in ALL)
    for number in ALL[::29]:
        known = phone.parse(number.e164)
        if number.region is None:
            assert known.kind is phone.NumberKind.TOLL_FREE
        else:
            assert known.reaches_nobody
            assert known.region == number.country
            assert number.country == "CA" or area_codes.AREA_CODES[number.e164[2:5]][0] == number.region
    assert len({one.features for one in ALL}) >= 4


@pytest.mark.usefixtures("cloud")
def test_a_sold_number_is_gone_for_everybody_and_the_rest_stays() -> None:
    before = [one.number for one in available.search_available_numbers(NumberSearch(area_code="415", limit=50))]
    acme, other = tenant("acme"), tenant("other")
    bought = purchases.buy_number(acme.caller(master=True), NumberOrder(before[0].e164))
    after = [one.number for one in available.search_available_numbers(NumberSearch(area_code="415", limit=50))]
    assert after == before[1:]
    simulator = SimulatedInventory()
    with pytest.raises(RefusedError):
        simulator.buy(other.org_id, before[0].e164, NumberSettings(""))
    assert simulator.fetch(other.org_id, bought.sid) is None
    assert [one.sid for one in simulator.list_owned(acme.org_id)] == [bought.sid]
    simulator.release(acme.org_id, bought.sid)
    assert available.search_available_numbers(NumberSearch(area_code="415", limit=50))[0].number == before[0]


def test_a_limit_holds() -> None:
    assert len(stock.find_matching(NumberSearch())) > 50


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(
    "search",
    [
        NumberSearch(country="GB"),
        NumberSearch(contains="4"),
        NumberSearch(contains="5" * 16),
        NumberSearch(contains="5 5"),
        NumberSearch(region="California"),
        NumberSearch(region="C"),
        NumberSearch(region=""),
    ],
)
def test_a_wrong_filter_is_refused(search: NumberSearch) -> None:
    with pytest.raises(Invalid):
        available.search_available_numbers(search)


@pytest.mark.usefixtures("cloud")
def test_without_a_provider_the_search_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_NUMBERS_CARRIER", "none")
    with pytest.raises(Unavailable) as refused:
        available.search_available_numbers(NumberSearch())
    assert refused.value.code == "no_number_provider"
    monkeypatch.setenv("SWITCHBOARD_STAGE", "prod")
    monkeypatch.setenv("SWITCHBOARD_NUMBERS_CARRIER", "simulator")
    with pytest.raises(Unavailable):
        available.search_available_numbers(NumberSearch())
