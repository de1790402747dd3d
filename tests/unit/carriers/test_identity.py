"""Sign-in with OpenID Connect: the requests to the issuer, and the checks of its answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from switchboard.aws import secret
from switchboard.carriers import identity
from switchboard.carriers.identity import IdentityClaims, documents, issuer_client
from switchboard.kit import clock
from tests.fakes import issuer as issuers
from tests.fakes.issuer import CLIENT_ID, DISCOVERY, KEYS, TOKEN, USERINFO, Answer, Issuer, forge_token

CALLBACK = "https://console.example/auth/callback"


@pytest.fixture
def issuer(frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    """A running issuer, with settings that make this process its public client."""
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    monkeypatch.delenv("SWITCHBOARD_OIDC_CLIENT_SECRET", raising=False)
    with issuers.run_issuer() as running:
        for name, value in {
            "STAGE": "local",
            "OUTBOUND_LOOPBACK": "on",
            "OIDC_ISSUER": running.url,
            "OIDC_CLIENT_ID": CLIENT_ID,
        }.items():
            monkeypatch.setenv(f"SWITCHBOARD_{name}", value)
        documents.clear_cache()
        yield running
    documents.clear_cache()


def redeem_code(nonce: str = "nonce-1") -> IdentityClaims:
    return identity.identity_provider().redeem_code(
        code="code-1", redirect_uri=CALLBACK, code_verifier="v" * 43, nonce=nonce
    )


def build_authorization_url() -> str:
    return identity.identity_provider().authorization_url(
        redirect_uri=CALLBACK, state="state-1", nonce="nonce-1", code_challenge="challenge-1"
    )


def test_a_browser_is_sent_to_the_issuer_with_all_parameters_of_the_flow(issuer: Issuer) -> None:
    issuer.document["authorization_endpoint"] += "?tenant=blue"
    url = urlsplit(build_authorization_url())
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{issuer.url}/authorize"
    assert {name: value for name, (value,) in parse_qs(url.query).items()} == {
        "tenant": "blue",
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": CALLBACK,
        "scope": "openid email profile",
        "state": "state-1",
        "nonce": "nonce-1",
        "code_challenge": "challenge-1",
        "code_challenge_method": "S256",
    }


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"])
def test_a_code_identifies_the_person_who_signs_in(issuer: Issuer, algorithm: str) -> None:
    issuer.keys = [issuers.get_key("ES256", "other"), issuers.get_key(algorithm)]
    issuer.issue(issuer.token(algorithm, picture="https://example.com/ada.png"))
    assert redeem_code() == IdentityClaims(
        issuer.url, "person-1", "ada@example.com", True, "Ada Lovelace", "https://example.com/ada.png"
    )


def test_a_public_client_names_itself_in_the_form(issuer: Issuer) -> None:
    issuer.issue(issuer.token())
    redeem_code()
    asked = next(one for one in issuer.asked if one.path == TOKEN)
    assert asked.authorization is None
    assert asked.form == {
        "grant_type": "authorization_code",
        "code": "code-1",
        "redirect_uri": CALLBACK,
        "code_verifier": "v" * 43,
        "client_id": CLIENT_ID,
    }


def test_a_confidential_client_sends_its_secret_in_the_standard_encoding(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_OIDC_CLIENT_SECRET", "oidc/secret")
    monkeypatch.setattr(secret, "read_credential", {"oidc/secret": "s:e c+r%"}.__getitem__)
    issuer.issue(issuer.token())
    redeem_code()
    asked = next(one for one in issuer.asked if one.path == TOKEN)
    assert asked.authorization == "Basic Y29uc29sZTpzJTNBZStjJTJCciUyNQ=="  # console:s%3Ae+c%2Br%25
    assert "client_id" not in asked.form


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["another", "third"]},
        {"aud": None},
        {"aud": []},
        {"aud": [CLIENT_ID, "another"]},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"azp": "another"},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"nonce": "nonce-2"},
        {"nonce": ["nonce-1"]},
        {"nonce": None},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": None},
        {"nbf": 4_000_000_000},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_refused(issuer: Issuer, changed: dict[str, Any]) -> None:
    issuer.issue(issuer.token(**changed))
    with pytest.raises(identity.SignInRefusedError):
        redeem_code()


def test_a_token_for_several_audiences_that_was_issued_to_us_is_valid(issuer: Issuer) -> None:
    issuer.issue(issuer.token(aud=[CLIENT_ID, "another"], azp=CLIENT_ID))
    assert redeem_code().subject == "person-1"


@pytest.mark.parametrize(("name", "good", "bad"), [("exp", -59, -61), ("iat", 60, 62)])
def test_clocks_may_differ_by_a_minute(
    issuer: Issuer, frozen: clock.FrozenClock, name: str, good: int, bad: int
) -> None:
    now = int(frozen.at)
    issuer.issue(issuer.token(**{name: now + good}))
    redeem_code()
    issuer.issue(issuer.token(**{name: now + bad}))
    with pytest.raises(identity.SignInRefusedError):
        redeem_code()


def test_a_token_needs_a_signature_of_the_issuers_private_key(issuer: Issuer) -> None:
    issuer.keys = [issuers.get_key("RS256")]
    kid = issuers.get_key("RS256").kid
    public = issuers.get_key("RS256").as_pem(private=False)
    good = issuer.token("RS256")
    header, _, signature = good.split(".")
    other = forge_token(issuer.claims(sub="person-2"), None).split(".")[1]
    bad = [
        forge_token(issuer.claims(), None, alg="none"),
        forge_token(issuer.claims(), None, alg="none", kid=kid),
        forge_token(issuer.claims(), public, alg="HS256", kid=kid),
        forge_token(issuer.claims(), public, alg="RS256", kid=kid),
        f"{header}.{other}.{signature}",
        f"{header}.{other}.",
        issuer.token("ES256", kid),
        "no.token.at-all",
        "",
    ]
    for token in bad:
        issuer.issue(token)
        with pytest.raises(identity.SignInRefusedError):
            redeem_code()
    issuer.issue(good)
    assert redeem_code().subject == "person-1"


def test_a_signature_of_another_key_with_the_same_id_is_refused(issuer: Issuer) -> None:
    issuer.keys = [issuers.get_key("RS256", "one")]
    stranger = issuers.get_key("PS256", "one")
    assert stranger.kid == "one"
    issuer.issue(issuer.token("PS256", "one"))
    with pytest.raises(identity.SignInRefusedError):
        redeem_code()


def test_keys_for_other_uses_are_ignored(issuer: Issuer) -> None:
    good = issuers.get_key("ES256").as_dict(private=False)
    odd = [{"kty": "XYZ", "kid": good["kid"]}, {"kty": "EC"}, {"kty": "oct", "k": "AAAA", "kid": good["kid"]}, 7]
    issuer.answers[KEYS] = Answer({"keys": [*odd, good | {"use": "enc"}, good]})
    issuer.issue(issuer.token())
    assert redeem_code().subject == "person-1"
    documents.clear_cache()
    issuer.answers[KEYS] = Answer({"keys": [good | {"use": "enc"}]})
    with pytest.raises(identity.SignInRefusedError):
        redeem_code()


def test_a_token_without_a_key_id_uses_the_only_key(issuer: Issuer) -> None:
    other = issuers.get_key("ES256", "other").as_dict(private=False)
    issuer.answers[KEYS] = Answer({"keys": [other | {"use": "enc"}, issuers.get_key("ES256").as_dict(private=False)]})
    issuer.issue(issuer.token(header={"kid": None}))
    assert redeem_code().subject == "person-1"
    documents.clear_cache()
    issuer.answers[KEYS] = Answer({"keys": [other, issuers.get_key("ES256").as_dict(private=False)]})
    with pytest.raises(identity.SignInRefusedError):
        redeem_code()


def test_unknown_header_parameters_are_ignored_unless_critical(issuer: Issuer) -> None:
    issuer.issue(issuer.token(header={"org.example": 1}))
    redeem_code()
    issuer.issue(issuer.token(header={"org.example": 1, "crit": ["org.example"]}))
    with pytest.raises(identity.SignInRefusedError):
        redeem_code()


def test_a_new_key_is_requested_once(issuer: Issuer) -> None:
    issuer.issue(issuer.token())
    redeem_code()
    issuer.keys = [issuers.get_key("ES256", "rotated")]
    issuer.issue(issuer.token("ES256", "rotated"))
    redeem_code()
    redeem_code()
    assert issuer.count(KEYS) == 2


def test_an_unknown_key_is_refused_after_one_more_request(issuer: Issuer) -> None:
    issuer.issue(issuer.token("ES256", "never"))
    with pytest.raises(identity.SignInRefusedError):
        redeem_code()
    assert issuer.count(KEYS) == 2


def test_a_withdrawn_key_is_accepted_for_ten_minutes_at_most(issuer: Issuer, frozen: clock.FrozenClock) -> None:
    issuer.issue(issuer.token(exp=int(frozen.at) + 86_400))
    redeem_code()
    issuer.keys = [issuers.get_key("ES256", "rotated")]
    frozen.advance(seconds=documents.CACHE_SECONDS - 1)
    redeem_code()
    assert issuer.count(DISCOVERY) == issuer.count(KEYS) == 1
    frozen.advance(seconds=1)
    with pytest.raises(identity.SignInRefusedError):
        redeem_code()


@pytest.mark.parametrize(
    ("said", "verified"),
    [(True, True), ("true", True), (False, False), ("false", False), ("True", False), (1, False), (None, False)],
)
def test_an_address_is_verified_only_if_the_issuer_says_so(issuer: Issuer, said: object, verified: bool) -> None:
    issuer.issue(issuer.token(email_verified=said))
    assert redeem_code().email_verified is verified


def test_claims_missing_in_the_token_come_from_the_userinfo_endpoint(issuer: Issuer) -> None:
    issuer.offer_userinfo(sub="person-1", email="ada@example.org", email_verified="true", name="Ada", picture="p")
    issuer.issue(issuer.token(email=None, name=None))
    assert redeem_code() == IdentityClaims(issuer.url, "person-1", "ada@example.org", True, "Ada", "p")
    assert issuer.asked[-1].authorization == "Bearer at-1"


def test_a_complete_token_needs_no_userinfo_request(issuer: Issuer) -> None:
    issuer.offer_userinfo(sub="person-2")
    issuer.issue(issuer.token())
    redeem_code()
    assert issuer.count(USERINFO) == 0


def test_the_verification_of_an_address_comes_only_from_the_source_of_the_address(issuer: Issuer) -> None:
    issuer.offer_userinfo(sub="person-1", email="ada@example.org")
    issuer.issue(issuer.token(email=None, email_verified=True))
    assert redeem_code().email_verified is False
    issuer.offer_userinfo(sub="person-1", email="ada@example.org", email_verified=True, name="Ada")
    issuer.issue(issuer.token(email_verified=None, name=None))
    found = redeem_code()
    assert (found.email, found.email_verified, found.name) == ("ada@example.com", False, "Ada")


@pytest.mark.parametrize("subject", ["person-2", None])
def test_userinfo_of_another_person_is_refused(issuer: Issuer, subject: str | None) -> None:
    issuer.offer_userinfo(sub=subject, email="eve@example.com", email_verified=True)
    issuer.issue(issuer.token(email=None))
    with pytest.raises(identity.SignInRefusedError):
        redeem_code()


def test_an_issuer_without_userinfo_may_omit_claims(issuer: Issuer) -> None:
    issuer.issue(issuer.token(email=None, name=None, email_verified=True))
    assert redeem_code() == IdentityClaims(issuer.url, "person-1", None, False, None, None)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer({"error": "invalid_grant"}, 400), identity.SignInRefusedError),
        (Answer(b"no json", 400), identity.SignInRefusedError),
        (Answer({"error": "invalid_client"}, 401), identity.ProviderUnconfiguredError),
        (Answer({"error": "invalid_client"}, 400), identity.ProviderUnconfiguredError),
        (Answer(b"who?", 401), identity.ProviderUnconfiguredError),
        (Answer({"error": "slow_down"}, 429), identity.ProviderUnreachableError),
        (Answer({"error": "server_error"}, 500), identity.ProviderUnreachableError),
        (Answer({"access_token": "at-1"}), identity.ProviderUnreachableError),
        (Answer(["no object"]), identity.ProviderUnreachableError),
        (Answer(b"[" * 100_000), identity.ProviderUnreachableError),
    ],
)
def test_the_error_of_a_refused_code_names_the_cause(issuer: Issuer, answer: Answer, expected: type[Exception]) -> None:
    issuer.answers[TOKEN] = answer
    with pytest.raises(expected):
        redeem_code()


def _answer_slowly(issuer: Issuer) -> Answer:
    return Answer({"some": "thing"}, hold=threading.Event())


def _answer_oversized(issuer: Issuer) -> Answer:
    return Answer(
        json.dumps({**issuer.document, "sub": "person-1", "keys": []}).encode()
        + b" " * issuer_client.MAX_RESPONSE_BYTES
    )


def _answer_with_redirect(issuer: Issuer) -> Answer:
    issuer.answers["/elsewhere"] = Answer(issuer.document)
    return Answer({}, 302, {"Location": f"{issuer.url}/elsewhere"})


@pytest.mark.parametrize("path", [DISCOVERY, KEYS, TOKEN, USERINFO])
@pytest.mark.parametrize("kind", [_answer_slowly, _answer_oversized, _answer_with_redirect])
def test_a_slow_an_oversized_or_a_redirecting_endpoint_fails(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, path: str, kind: Callable[[Issuer], Answer]
) -> None:
    issuer.offer_userinfo(sub="person-1")
    issuer.issue(issuer.token(email=None))
    answer = issuer.answers[path] = kind(issuer)
    if answer.hold:
        monkeypatch.setattr(issuer_client, "TIMEOUT_SECONDS", 0.3)
    try:
        with pytest.raises(identity.ProviderUnreachableError):
            redeem_code()
    finally:
        if answer.hold:
            answer.hold.set()
    assert issuer.count(path) == 1
    assert issuer.count("/elsewhere") == 0


def test_the_discovery_document_must_be_the_issuers_own(issuer: Issuer) -> None:
    issuer.document["issuer"] = issuer.url + "/"
    with pytest.raises(identity.ProviderUnreachableError):
        build_authorization_url()


@pytest.mark.parametrize("url", ["http://issuer.example/", "ftp://issuer.example/", "https://10.0.0.1/", 7, None])
@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_endpoints_with_unsafe_urls_are_not_requested(issuer: Issuer, name: str, url: object) -> None:
    issuer.issue(issuer.token())
    issuer.document[name] = url
    with pytest.raises(identity.ProviderUnreachableError):
        build_authorization_url() if name == "authorization_endpoint" else redeem_code()


def test_an_issuer_without_https_is_refused_outside_the_local_stack(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_STAGE", "prod")
    with pytest.raises(identity.ProviderUnconfiguredError):
        build_authorization_url()
    assert not issuer.asked


@pytest.mark.parametrize("name", ["OIDC_ISSUER", "OIDC_CLIENT_ID"])
def test_without_settings_there_is_no_provider(issuer: Issuer, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(f"SWITCHBOARD_{name}")
    with pytest.raises(identity.ProviderUnconfiguredError):
        identity.identity_provider()


def test_an_issuer_that_does_not_answer_is_unreachable(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_OIDC_ISSUER", "http://localhost:1111")
    with pytest.raises(identity.ProviderUnreachableError):
        build_authorization_url()


def test_people_are_signed_out_at_the_issuer_if_it_supports_it(issuer: Issuer) -> None:
    assert identity.identity_provider().end_session_url(return_url="https://console.example/") is None
    documents.clear_cache()
    issuer.document["end_session_endpoint"] = f"{issuer.url}/end"
    assert identity.identity_provider().end_session_url(return_url="https://console.example/") == (
        f"{issuer.url}/end?client_id=console&post_logout_redirect_uri=https%3A%2F%2Fconsole.example%2F"
    )


@pytest.mark.parametrize("offered", [{}, {"end_session_endpoint": "https://pool.example.com/logout"}])
def test_cognito_has_its_own_sign_out_url(monkeypatch: pytest.MonkeyPatch, offered: dict[str, str]) -> None:
    monkeypatch.setenv("SWITCHBOARD_OIDC_ISSUER", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_a")
    monkeypatch.setenv("SWITCHBOARD_OIDC_CLIENT_ID", CLIENT_ID)
    document = {"authorization_endpoint": "https://pool.example.com/oauth2/authorize"} | offered
    monkeypatch.setattr(documents, "get_discovery", lambda *_: document)
    assert identity.identity_provider().end_session_url(return_url="https://console.example/") == (
        "https://pool.example.com/logout?client_id=console&logout_uri=https%3A%2F%2Fconsole.example%2F"
    )
