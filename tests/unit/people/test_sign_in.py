"""Signing in: once, in the browser that began it."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from switchboard.aws import reads
from switchboard.carriers import identity
from switchboard.dialects.hum import cookies
from switchboard.errors import Invalid, Unauthenticated, Unavailable
from switchboard.kit import clock, texts
from switchboard.people import service as people
from switchboard.people import sign_in, store
from switchboard.people.sign_in import SignInRedirect

INVITE = "inv_" + "0" * 26


class Issuer:
    """An issuer that vouches for one person, and records its requests."""

    issuer = "https://issuer.example"

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {
            "subject": "s1",
            "email": "ada@example.com",
            "email_verified": True,
            "name": "Ada",
            "picture": None,
        }
        self.redeemed: list[dict[str, str]] = []
        self.trouble: Exception | None = None
        self.ends: str | None = None

    def authorization_url(self, **wanted: str) -> str:
        if self.trouble:
            raise self.trouble
        asked = {
            "state": wanted["state"],
            "nonce": wanted["nonce"],
            "challenge": wanted["code_challenge"],
            "back": wanted["redirect_uri"],
        }
        return f"https://issuer.example/authorize?{urlencode(asked)}"

    def redeem_code(self, **shown: str) -> identity.IdentityClaims:
        self.redeemed.append(shown)
        if self.trouble:
            raise self.trouble
        return identity.IdentityClaims(issuer=self.issuer, **self.claims)

    def end_session_url(self, *, return_url: str) -> str | None:
        if self.trouble:
            raise self.trouble
        return f"{self.ends}?back={return_url}" if self.ends else None


@pytest.fixture
def issuer(cloud: Any, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Issuer:
    made = Issuer()
    monkeypatch.setattr(identity, "identity_provider", lambda: made)
    monkeypatch.setenv("SWITCHBOARD_PUBLIC_URL", "https://hum.example")
    return made


def sent_parameters(begun: SignInRedirect) -> dict[str, str]:
    """The parameters of the browser's redirect to the issuer."""
    return {name: values[0] for name, values in parse_qs(urlsplit(begun.url).query).items()}


def test_the_code_challenge_follows_the_standard() -> None:
    # RFC 7636, appendix B; docs/contracts/providers.md#openid-connect
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert sign_in.code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_person_signs_in_and_returns_to_their_page(issuer: Issuer) -> None:
    begun = sign_in.begin_sign_in("/calls?tab=1", None)
    asked = sent_parameters(begun)
    finished = sign_in.finish_sign_in(asked["state"], "code-1", begun.browser)
    assert (finished.return_to, finished.user.email) == ("/calls?tab=1", "ada@example.com")
    (shown,) = issuer.redeemed
    assert shown["redirect_uri"] == asked["back"] == "https://hum.example/auth/callback"
    assert shown["nonce"] == asked["nonce"]
    assert sign_in.code_challenge(shown["code_verifier"]) == asked["challenge"]
    assert 43 <= len(shown["code_verifier"]) <= 128


def test_nothing_secret_of_a_sign_in_is_stored(issuer: Issuer) -> None:
    begun = sign_in.begin_sign_in(None, None)
    asked = sent_parameters(begun)
    item = reads.get_item("sessions", {"id": f"sign-in#{texts.digest(asked['state'])}"})
    assert item is not None
    assert not any(text in str(item) for text in (asked["state"], asked["nonce"], begun.browser))


def test_a_sign_in_is_finished_once(issuer: Issuer) -> None:
    begun = sign_in.begin_sign_in(None, None)
    state = sent_parameters(begun)["state"]
    sign_in.finish_sign_in(state, "code", begun.browser)
    with pytest.raises(Invalid) as refusal:
        sign_in.finish_sign_in(state, "code", begun.browser)
    assert refusal.value.code == "sign_in_expired"
    assert len(issuer.redeemed) == 1


@pytest.mark.parametrize("browser", [None, "", "x", "a" * 43])
def test_another_browser_cannot_finish_it_and_the_right_one_still_can(issuer: Issuer, browser: str | None) -> None:
    # A mail filter that opens the link, for example.
    begun = sign_in.begin_sign_in("/calls", None)
    state = sent_parameters(begun)["state"]
    for attempt in (
        partial(sign_in.finish_sign_in, state, "code", browser),
        partial(sign_in.abandon_sign_in, state, browser, None),
    ):
        with pytest.raises(Invalid) as refusal:
            attempt()
        assert refusal.value.code == "sign_in_expired"
    assert issuer.redeemed == []
    assert sign_in.finish_sign_in(state, "code", begun.browser).return_to == "/calls"


def test_concurrent_requests_finish_a_sign_in_once(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = sign_in.begin_sign_in(None, None)
    state = sent_parameters(begun)["state"]
    read = store.get_sign_in(texts.digest(state))
    sign_in.finish_sign_in(state, "code", begun.browser)
    monkeypatch.setattr(store, "get_sign_in", lambda _: read)
    with pytest.raises(Invalid):
        sign_in.finish_sign_in(state, "code", begun.browser)
    assert len(issuer.redeemed) == 1


def test_a_sign_in_by_an_invite_link_carries_the_invite(issuer: Issuer) -> None:
    for wanted, known in (
        (f"/home?invite={INVITE}", INVITE),
        (f"/home?tab=1&invite={INVITE}#top", INVITE),
        (f"/home?invite={INVITE}&invite={INVITE}", None),
        (f"//evil.example?invite={INVITE}", None),
        ("/home?invite=inv_..%2F..%2Forg", None),
        ("/home?" + "&".join(["a=1"] * 60) + f"&invite={INVITE}", None),
        ("/home", None),
        (None, None),
    ):
        begun = sign_in.begin_sign_in(wanted, None)
        assert sign_in.finish_sign_in(sent_parameters(begun)["state"], "code", begun.browser).invite_id == known, wanted


@pytest.mark.parametrize("state", ["", "x", "a" * 43, "é" * 43, "a" * 5_000])
def test_an_unknown_state_is_refused(issuer: Issuer, state: str) -> None:
    begun = sign_in.begin_sign_in(None, None)
    with pytest.raises(Invalid):
        sign_in.finish_sign_in(state, "code", begun.browser)


def test_a_sign_in_that_takes_too_long_expires(issuer: Issuer, frozen: clock.FrozenClock) -> None:
    begun = sign_in.begin_sign_in(None, None)
    frozen.advance(seconds=sign_in.SIGN_IN_SECONDS)
    with pytest.raises(Invalid):
        sign_in.finish_sign_in(sent_parameters(begun)["state"], "code", begun.browser)


def test_two_sign_ins_of_one_browser_are_independent(issuer: Issuer) -> None:
    first = sign_in.begin_sign_in("/one", None)
    second = sign_in.begin_sign_in("/two", first.browser)
    assert first.browser == second.browser
    assert sign_in.finish_sign_in(sent_parameters(first)["state"], "code", second.browser).return_to == "/one"
    assert sign_in.finish_sign_in(sent_parameters(second)["state"], "code", second.browser).return_to == "/two"


def test_a_forged_browser_secret_is_replaced(issuer: Issuer) -> None:
    assert len(sign_in.begin_sign_in(None, "short").browser) == 43


def test_a_sign_in_never_redirects_to_another_site(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_HOME_PATH", "/home")
    begun = sign_in.begin_sign_in("//evil.example", None)
    assert sign_in.finish_sign_in(sent_parameters(begun)["state"], "code", begun.browser).return_to == "/home"


@pytest.mark.parametrize(
    ("trouble", "refused"),
    [
        (identity.SignInRefusedError("bad code"), Unauthenticated),
        (identity.ProviderUnreachableError("no answer"), Unavailable),
    ],
)
def test_a_failed_verification_signs_nobody_in(issuer: Issuer, trouble: Exception, refused: type[Exception]) -> None:
    begun = sign_in.begin_sign_in(None, None)
    issuer.trouble = trouble
    with pytest.raises(refused):
        sign_in.finish_sign_in(sent_parameters(begun)["state"], "code", begun.browser)
    assert people.find_user(issuer.issuer, "s1") is None


@pytest.mark.parametrize(
    "trouble", [identity.ProviderUnreachableError("no answer"), identity.ProviderUnconfiguredError("none")]
)
def test_without_an_issuer_no_sign_in_begins(issuer: Issuer, trouble: Exception) -> None:
    issuer.trouble = trouble
    with pytest.raises(Unavailable):
        sign_in.begin_sign_in(None, None)
    assert sign_in.sign_out_url() == "https://hum.example/signed-out"


def test_without_a_public_address_nothing_fails(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWITCHBOARD_PUBLIC_URL")
    issuer.trouble = identity.ProviderUnconfiguredError("none")
    assert sign_in.sign_out_url() == "/signed-out"
    assert "Secure" not in cookies.format_expired_session_cookie()


def test_signing_out_redirects_through_the_issuer_to_our_own_page(issuer: Issuer) -> None:
    assert sign_in.sign_out_url() == "https://hum.example/signed-out"
    issuer.ends = "https://issuer.example/end"
    assert sign_in.sign_out_url() == "https://issuer.example/end?back=https://hum.example/signed-out"


def signed_in(issuer: Issuer) -> Any:
    begun = sign_in.begin_sign_in(None, None)
    return sign_in.finish_sign_in(sent_parameters(begun)["state"], "code", begun.browser).user


def test_the_issuers_subject_identifies_a_person_not_the_address(issuer: Issuer) -> None:
    first = signed_in(issuer)
    issuer.claims |= {"email": "new@example.com", "name": "Ada L.", "email_verified": False}
    second = signed_in(issuer)
    assert second.id == first.id
    assert (second.email, second.name, second.email_verified) == ("new@example.com", "Ada L.", False)
    issuer.claims |= {"subject": "s2"}
    assert signed_in(issuer).id != first.id


def test_the_same_address_does_not_make_the_same_person(issuer: Issuer) -> None:
    first = signed_in(issuer)
    issuer.issuer = "https://other.example"
    assert signed_in(issuer).id != first.id


def test_a_person_may_lack_name_and_address(issuer: Issuer) -> None:
    issuer.claims |= {"email": None, "name": None}
    assert signed_in(issuer).name == "Someone"
    issuer.claims |= {"name": "Ada"}
    assert signed_in(issuer).name == "Ada"
    issuer.claims |= {"name": None}
    assert signed_in(issuer).name == "Ada"


def test_two_concurrent_first_sign_ins_make_one_person(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    first = signed_in(issuer)
    real = people.find_user
    looks = iter([None])
    monkeypatch.setattr(people, "find_user", lambda *who: next(looks, real(*who)))
    assert signed_in(issuer).id == first.id
