"""Windows, refusals and cached refusals of the rate limiter, with a frozen clock."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from switchboard import telemetry
from switchboard.aws import clients, dynamodb
from switchboard.edge import rate_limit
from switchboard.edge.rate_limit import Window
from switchboard.errors import RateLimited
from switchboard.kit import clock
from tests.integration.sabotage import Sabotage, scan_items

pytestmark = pytest.mark.usefixtures("cloud")

THROTTLING = [
    "ProvisionedThroughputExceededException",
    "ProvisionedThroughputExceeded",
    "ThrottlingException",
    "ThrottlingError",
    "RequestLimitExceeded",
]
#: A plan whose requests are counted one by one, and a plan whose requests are leased.
EXACT, SLICED = (60, 100), (12_000, 2_000)


def count_passes(bucket: str, per_minute: int, per_second: int, tries: int) -> int:
    return sum(rate_limit.count_request(bucket, per_minute, per_second).allowed for _ in range(tries))


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    noted: list[str] = []
    monkeypatch.setattr(telemetry, "emit_metric", lambda name, *_, **__: noted.append(name))
    return noted


def test_a_second_is_full_again_after_a_second_and_a_minute_after_its_end(frozen: clock.FrozenClock) -> None:
    assert count_passes("org", 7, 5, 6) == 5
    refused = rate_limit.count_request("org", 7, 5)
    assert (refused.full_window is refused.second, refused.retry_after) == (True, 1)
    frozen.advance(seconds=1)
    assert count_passes("org", 7, 5, 3) == 2
    refused = rate_limit.count_request("org", 7, 5)
    assert (refused.full_window is refused.minute, refused.retry_after) == (True, 59)
    frozen.advance(seconds=59)
    assert count_passes("org", 7, 5, 6) == 5


def test_buckets_do_not_share(frozen: clock.FrozenClock) -> None:
    assert count_passes("one", 3, 3, 5) == count_passes("other", 3, 3, 5) == 3


def test_a_refused_request_is_not_counted(frozen: clock.FrozenClock) -> None:
    assert count_passes("org", 100, 2, 50) == 2
    frozen.advance(seconds=1)
    assert rate_limit.count_request("org", 100, 2).minute.remaining == 97


def test_the_headers_count_down_one_by_one(frozen: clock.FrozenClock) -> None:
    left = []
    for _ in range(4):
        headers = rate_limit.count_request("org", 10, 4).headers()
        left.append((int(headers["X-RateLimit-Remaining"]), int(headers["X-RateLimit-Sec-Remaining"])))
        assert headers["X-RateLimit-Limit"] == "10"
        assert int(headers["X-RateLimit-Reset"]) == (int(frozen.at) // 60 + 1) * 60
        assert int(headers["X-RateLimit-Sec-Reset"]) == int(frozen.at) + 1
        assert f'"minute";r={left[-1][0]};t=60' in headers["RateLimit"]
    assert left == [(9, 3), (8, 2), (7, 1), (6, 0)]


@pytest.mark.parametrize(("per_minute", "per_second"), [(5, 100), (100, 5), (2_000, 2_000), (12_000, 1_001)])
def test_a_refusal_is_cached_until_its_window_ends_and_costs_no_write(
    frozen: clock.FrozenClock, per_minute: int, per_second: int
) -> None:
    sabotage = Sabotage()
    while (refused := rate_limit.count_request("org", per_minute, per_second)).allowed:
        pass
    with sabotage.counting() as calls:
        later = [rate_limit.count_request("org", per_minute, per_second) for _ in range(200)]
    assert calls == []
    assert {answer.allowed for answer in later} == {False}
    for answer in later:
        assert (answer.headers(), answer.retry_after) == (refused.headers(), refused.retry_after)
        assert answer.full_window.remaining == 0
    assert rate_limit.decides_locally("org")
    frozen.advance(seconds=refused.retry_after)
    assert not rate_limit.decides_locally("org")
    assert rate_limit.count_request("org", per_minute, per_second).allowed


def test_the_headers_of_a_used_up_minute_count_the_seconds(frozen: clock.FrozenClock) -> None:
    count_passes("org", 3, 3, 4)
    frozen.advance(seconds=20)
    refused = rate_limit.count_request("org", 3, 3)
    headers = refused.headers()
    assert (refused.full_window is refused.minute, refused.retry_after) == (True, 40)
    assert (headers["X-RateLimit-Remaining"], headers["X-RateLimit-Sec-Remaining"]) == ("0", "3")
    assert headers["X-RateLimit-Reset"] == str(int(frozen.at) + 40)
    assert headers["X-RateLimit-Sec-Reset"] == str(int(frozen.at) + 1)


def test_a_refused_second_is_cached_for_that_second_alone(frozen: clock.FrozenClock) -> None:
    sabotage = Sabotage()
    with sabotage.counting() as calls:
        for _ in range(10):
            assert count_passes("org", 600, 5, 100) == 5
            frozen.advance(seconds=1)
    assert len(calls) == 10 * (5 + 1)


def test_a_cached_refusal_ends_when_the_limits_change(frozen: clock.FrozenClock) -> None:
    assert count_passes("org", *EXACT, 62) == 60
    assert count_passes("org", 600, 100, 50) == 40, "the hundred of the second"
    assert not rate_limit.count_request("org", *EXACT).allowed
    frozen.advance(seconds=1)
    assert rate_limit.count_request("org", *SLICED).allowed
    assert rate_limit.count_request("org", 600, 100).allowed


def test_a_cached_refusal_applies_to_its_bucket_only(frozen: clock.FrozenClock) -> None:
    count_passes("org", 2, 2, 5)
    assert [count_passes(bucket, 2, 2, 2) for bucket in ("org2", "or", "org#console", "user#org")] == [2] * 4
    assert rate_limit.count_in_window("org", 2, 60) is None


@pytest.mark.parametrize("take_one", [False, True])
def test_the_number_of_cached_refusals_is_limited(
    frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch, take_one: bool
) -> None:
    monkeypatch.setattr(rate_limit, "_MAX_REFUSALS", 10)
    for number in range(50):
        for _ in range(2):
            if take_one:
                rate_limit.count_in_window(f"ip#{number}", 1, 3_600)
            else:
                rate_limit.count_request(f"ip#{number}", 1, 1)
    assert len(rate_limit._memory.refusals._known) == 10
    for number in (0, 49):
        assert not rate_limit.count_request(f"ip#{number}", 1, 1).allowed or take_one, (
            "a forgotten address is not admitted"
        )
        assert rate_limit.count_in_window(f"ip#{number}", 1, 3_600) or not take_one


def test_the_latest_refusals_are_the_ones_that_are_remembered(
    frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "_MAX_REFUSALS", 2)
    for name in ("one", "two"):
        count_passes(name, 1, 1, 2)
    assert rate_limit.decides_locally("one"), "which makes it the later of both"
    count_passes("three", 1, 1, 2)
    assert [rate_limit.decides_locally(name) for name in ("one", "two", "three")] == [True, False, True]


def test_a_limit_of_several_in_a_window_of_its_own_lets_that_many_pass(frozen: clock.FrozenClock) -> None:
    assert [rate_limit.count_in_window("sign-up", 5, 3_600) is None for _ in range(7)] == [True] * 5 + [False] * 2


def test_a_flood_of_addresses_evicts_no_lease(frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "_MAX_REFUSALS", 10)
    while not rate_limit.decides_locally("org"):
        rate_limit.count_request("org", *SLICED)
    for number in range(50):
        count_passes(f"ip#{number}", 1, 1, 2)
    assert rate_limit.decides_locally("org")


def test_an_ipv6_address_counts_with_its_network() -> None:
    one, other = rate_limit.network_of("2001:db8:1:2::1"), rate_limit.network_of("2001:db8:1:2:ffff::9")
    assert one == other == "2001:db8:1:2::/64"
    assert rate_limit.network_of("2001:db8:1:3::1") != one
    assert rate_limit.network_of("::ffff:192.0.2.1") == rate_limit.network_of("192.0.2.1") == "192.0.2.1"
    assert [rate_limit.network_of(text) for text in ("", "a:b")] == ["", "a:b"]


@pytest.mark.parametrize("limits", [EXACT, SLICED])
def test_a_look_shows_what_both_windows_have_left_and_counts_nothing(
    frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int]
) -> None:
    per_minute, per_second = limits
    count_passes("org", *limits, 3)
    frozen.advance(seconds=1)
    count_passes("org", *limits, 2)
    for _ in range(3):
        found = rate_limit.peek_limits("org", *limits)
        assert (found.minute.remaining, found.second.remaining) == (per_minute - 5, per_second - 2)
    assert [rate_limit.peek_limits("other", *limits).minute.remaining, found.allowed] == [per_minute, True]


def test_a_look_at_one_item_reads_at_half_the_price(frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    clients.dynamodb_client().meta.events.register(
        "provide-client-params.dynamodb.GetItem", lambda params, **_: asked.append(params)
    )
    rate_limit.peek_limits("org", *EXACT)
    assert [(params["ConsistentRead"], params["Key"]) for params in asked] == [
        (False, {"id": {"S": f"org#{int(frozen.at) // 60}"}})
    ]


def test_a_limit_with_its_own_window_counts_in_it(frozen: clock.FrozenClock) -> None:
    sabotage = Sabotage()
    with sabotage.counting() as calls:
        windows = [rate_limit.count_in_window("sign-up", 2, 3_600) for _ in range(200)]
    assert len(calls) == 3
    assert windows[:2] == [None, None]
    for window in windows[2:]:
        assert window is not None
        assert (window.limit, window.remaining, window.wait_seconds) == (2, 0, 3_600)
    assert rate_limit.count_in_window("sign-up", 3, 3_600) is None, "the request asks for another limit"
    frozen.advance(hours=1)
    assert rate_limit.count_in_window("sign-up", 2, 3_600) is None


def counted() -> list[dict[str, Any]]:
    """The items of the table, without what every write leaves in one."""
    items = [dynamodb.decode_item(item) for item in scan_items("ratelimit")]
    return [{name: value for name, value in item.items() if name != "wt"} for item in items]


def test_a_window_of_its_own_lasts_until_its_end_and_is_one_item(frozen: clock.FrozenClock) -> None:
    frozen.at = int(frozen.at) // 3_600 * 3_600 + 1_000
    assert rate_limit.count_in_window("sign-up", 1, 3_600) is None
    frozen.advance(seconds=2_000)
    window = rate_limit.count_in_window("sign-up", 1, 3_600)
    assert window == Window(1, 0, int(frozen.at) + 600, 3_600)
    (item,) = counted()
    end = int(frozen.at) + 600
    assert item == {"id": f"sign-up#{end // 3_600 - 1}", "used": 1, "expiration": end + 120}
    frozen.advance(seconds=600)
    assert rate_limit.count_in_window("sign-up", 1, 3_600) is None


def test_a_minute_is_an_item_with_its_seconds(frozen: clock.FrozenClock) -> None:
    frozen.at = int(frozen.at) // 60 * 60 + 7
    count_passes("org", *EXACT, 2)
    frozen.advance(seconds=3)
    rate_limit.count_request("org", *EXACT)
    (item,) = counted()
    now = int(frozen.at)
    assert item == {"id": f"org#{now // 60}", "minute": 3, "s07": 2, "s10": 1, "expiration": now + 120}


def test_unused_counters_are_deleted(frozen: clock.FrozenClock) -> None:
    rate_limit.count_request("org", 10, 10)
    rate_limit.count_in_window("sign-up", 2, 3_600)
    found = [dynamodb.decode_item(item) for item in scan_items("ratelimit")]
    ends = {item["id"].partition("#")[0]: item["expiration"] - frozen.at for item in found}
    assert ends["org"] >= 60
    assert ends["sign-up"] >= 3_600


@pytest.mark.parametrize("code", THROTTLING)
@pytest.mark.parametrize("limits", [EXACT, SLICED])
def test_a_throttled_bucket_is_refused_for_a_second_after_one_attempt(
    frozen: clock.FrozenClock, metrics: list[str], code: str, limits: tuple[int, int]
) -> None:
    sabotage = Sabotage()
    sabotage.fail("UpdateItem", code, times=100)
    with sabotage.counting() as calls:
        answers = [rate_limit.count_request("org", *limits) for _ in range(50)]
    assert calls == ["UpdateItem"]
    assert metrics == ["RateLimiterThrottled"]
    for refused in answers:
        assert (refused.allowed, refused.retry_after, refused.full_window is refused.second) == (False, 1, True)
        assert refused.headers()["X-RateLimit-Limit"] == str(limits[0])
    assert rate_limit.decides_locally("org")
    sabotage.mend()
    frozen.advance(seconds=1)
    assert rate_limit.count_request("org", *limits).allowed


@pytest.mark.parametrize("code", THROTTLING)
def test_a_throttled_window_is_full_for_a_second_after_one_attempt(frozen: clock.FrozenClock, code: str) -> None:
    sabotage = Sabotage()
    sabotage.fail("UpdateItem", code, times=100)
    with sabotage.counting() as calls:
        for _ in range(50):
            window = rate_limit.count_in_window("sign-up", 20, 3_600)
            assert window is not None
            assert (window.limit, window.remaining, window.wait_seconds) == (20, 0, 1)
    assert calls == ["UpdateItem"]
    sabotage.mend()
    frozen.advance(seconds=1)
    assert rate_limit.count_in_window("sign-up", 20, 3_600) is None


@pytest.mark.parametrize("code", THROTTLING)
def test_a_throttled_read_shows_no_remaining_requests(frozen: clock.FrozenClock, code: str) -> None:
    sabotage = Sabotage()
    sabotage.fail("GetItem", code, times=100)
    limits = rate_limit.peek_limits("org", *EXACT)
    assert (limits.minute.remaining, limits.second.remaining, limits.allowed) == (EXACT[0], 0, True)


def test_a_throttled_request_reaches_the_network_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the table's module nor botocore retries the request."""
    sent: list[str] = []

    def throttle(**_: Any) -> Any:
        from botocore.awsrequest import AWSResponse

        sent.append("request")
        body = b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"m"}'
        answer = AWSResponse("http://x", 400, {"content-type": "application/x-amz-json-1.0"}, None)
        answer._content = body
        return answer

    clients.dynamodb_client_without_retries().meta.events.register_first("before-send", throttle)
    assert not rate_limit.count_request("org", *EXACT).allowed
    assert len(sent) == 1


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "InternalServerError", "ServiceUnavailable"])
@pytest.mark.parametrize("limits", [(2, 2), SLICED])
def test_every_request_passes_while_the_limiters_table_is_unavailable(
    frozen: clock.FrozenClock, metrics: list[str], code: str, limits: tuple[int, int]
) -> None:
    sabotage = Sabotage()
    sabotage.fail("UpdateItem", code, times=100)
    assert count_passes("org", *limits, 5) == 5
    assert [rate_limit.count_in_window("sign-up", 1, 60) for _ in range(3)] == [None] * 3
    assert rate_limit.count_request("org", *limits).headers()["X-RateLimit-Limit"] == str(limits[0])
    assert metrics == ["RateLimiterDown"] * 9


def test_a_table_that_is_away_is_logged_with_its_error(
    frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[Any] = []
    logger = SimpleNamespace(warning=lambda *text, **more: logged.append((text, more)))
    monkeypatch.setattr(telemetry, "logger", lambda: logger)
    Sabotage().fail("UpdateItem", "InternalServerError", times=1)
    assert rate_limit.count_request("org", *EXACT).allowed
    assert logged == [(("rate limiter unavailable",), {"exc_info": True})]


@pytest.mark.parametrize("limits", [EXACT, SLICED])
def test_every_request_passes_while_the_limiters_table_is_unreachable(
    metrics: list[str], limits: tuple[int, int]
) -> None:
    def fail(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    for client in (clients.dynamodb_client(), clients.dynamodb_client_without_retries()):
        client.meta.events.register_first("before-send", fail)
    assert count_passes("org", *limits, 3) == 3
    assert rate_limit.peek_limits("org", *limits).minute.remaining == limits[0]
    assert metrics == ["RateLimiterDown"] * 4


def test_an_unknown_sender_counts_by_its_network(frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_STRANGER_PER_MINUTE", "5")
    monkeypatch.setenv("SWITCHBOARD_STRANGER_PER_SECOND", "3")
    found = [rate_limit.take_for_address(f"2001:db8:1:2::{number}") for number in range(4)]
    assert [limits.allowed for limits in found] == [True, True, True, False]
    assert (found[0].minute.limit, found[0].second.limit) == (5, 3)
    assert rate_limit.take_for_address("2001:db8:1:3::1").allowed, "another network"
    assert {item["id"]["S"].rpartition("#")[0] for item in scan_items("ratelimit")} == {
        "ip#2001:db8:1:2::/64",
        "ip#2001:db8:1:3::/64",
    }


def test_the_default_limits_of_strangers_and_signers(frozen: clock.FrozenClock) -> None:
    stranger, signer = rate_limit.take_for_address("192.0.2.1"), rate_limit.take_for_signer("twilio")
    assert (stranger.minute.limit, stranger.second.limit) == (600, 50)
    assert (signer.minute.limit, signer.second.limit) == (60_000, 2_000)


def test_a_signer_counts_by_its_account(frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_CALLBACKS_PER_MINUTE", "5")
    monkeypatch.setenv("SWITCHBOARD_CALLBACKS_PER_SECOND", "2")
    assert [rate_limit.take_for_signer("AC1").allowed for _ in range(3)] == [True, True, False]
    assert rate_limit.take_for_signer("AC2").allowed
    assert {item["id"]["S"].rpartition("#")[0] for item in scan_items("ratelimit")} == {"signer#AC1", "signer#AC2"}


@pytest.mark.parametrize(
    ("per_minute", "per_second", "code", "limit"),
    [(1, 5, "rate_limited", 1), (5, 1, "rate_limited_per_second", 1)],
)
def test_a_refusal_names_its_window_and_when_to_retry(
    frozen: clock.FrozenClock, per_minute: int, per_second: int, code: str, limit: int
) -> None:
    rate_limit.require_allowed(rate_limit.count_request("org", per_minute, per_second))
    limits = rate_limit.count_request("org", per_minute, per_second)
    with pytest.raises(RateLimited) as refused:
        rate_limit.require_allowed(limits)
    assert (str(refused.value), refused.value.code) == ("Rate limit exceeded: wait, then try again.", code)
    assert refused.value.details == {"limit": limit, "remaining": 0, "retry_after": limits.retry_after}
