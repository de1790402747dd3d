"""Twilio's signatures: the official validator and ours agree on generated requests, signed by either of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from switchboard.carriers.signatures import verify_twilio, verify_twilio_json
from tests.unit.properties import example_settings

_HOSTS = st.sampled_from(["api.example.com", "a.example", "localhost", "203.0.113.9"])
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_NAMES = st.one_of(st.sampled_from(["CallSid", "From", "To", "Body", "bodySHA256", "a", "A", "aB"]), _TEXTS)
_PATHS = st.lists(_TEXTS.map(lambda text: quote(text, safe="")), max_size=4).map(lambda parts: "/" + "/".join(parts))
_QUERIES = st.lists(st.tuples(_NAMES, _TEXTS), max_size=3).map(
    lambda pairs: "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs if name != "bodySHA256")
)
_TOKENS = st.text(min_size=1, max_size=40)


class Form(dict[str, list[str]]):
    """A form with repeated names, as Django gives it to the validator."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


@st.composite
def urls(draw: st.DrawFn) -> str:
    scheme = draw(st.sampled_from(["https", "http"]))
    default = ":443" if scheme == "https" else ":80"
    port = draw(st.sampled_from(["", "", default, ":8443"]))
    query = draw(_QUERIES)
    return f"{scheme}://{draw(_HOSTS)}{port}{draw(_PATHS)}" + (f"?{query}" if query else "")


def _form_of(pairs: Sequence[tuple[str, str]]) -> Form:
    found = Form()
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _changed(url: str, port: str) -> str:
    """Returns a URL with or without its default port, as another side may write it."""
    scheme, _, rest = url.partition("://")
    default = ":443" if scheme == "https" else ":80"
    host, slash, path = rest.partition("/")
    bare = host.removesuffix(default)
    return url if ":" in bare else f"{scheme}://{bare}{default if port == 'with' else ''}{slash}{path}"


#: Three tests with a third of a thousand requests each.
corpus = example_settings(334, all_of_them=True)


@corpus
@given(
    url=urls(),
    pairs=st.lists(st.tuples(_NAMES, _TEXTS), max_size=8),
    token=_TOKENS,
    port=st.sampled_from(["with", "without"]),
    forged=st.sampled_from([None, None, "token", "url", "value", "signature", "case"]),
)
def test_both_agree_on_forms(url: str, pairs: list[tuple[str, str]], token: str, port: str, forged: str | None) -> None:
    form = _form_of(pairs)
    theirs = RequestValidator(token)
    signature = theirs.compute_signature(_changed(url, port), form)
    assert signature == _sign(_changed(url, port), pairs, token), "each accepts what the other one signs"
    if forged == "token":
        token += "x"
    if forged == "url":
        url += "x"
    if forged == "value":
        pairs = [*pairs, ("Forged", "1")]
    if forged == "signature":
        signature = "x" + signature[1:]
    if forged == "case":
        signature = signature.swapcase()
    expected = RequestValidator(token).validate(url, _form_of(pairs), signature)
    assert verify_twilio(url, pairs, signature, [token]) is expected
    assert verify_twilio(url, pairs[::-1], signature, ["other", token]) is expected, "in any order"
    if forged is None:
        assert expected


@corpus
@given(url=urls(), token=_TOKENS, data=st.data())
def test_both_agree_on_queries(url: str, token: str, data: st.DataObject) -> None:
    signature = RequestValidator(token).compute_signature(url, {})
    other = data.draw(st.sampled_from([url, url + "&x=1", url.replace("http", "ftp", 1)]))
    assert verify_twilio(other, [], signature, [token]) is RequestValidator(token).validate(other, {}, signature)


@corpus
@given(
    url=urls(),
    body=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    token=_TOKENS,
    forged=st.sampled_from([None, "body", "hash", "token"]),
)
def test_both_agree_on_json(url: str, body: str, token: str, forged: str | None) -> None:
    digest = hashlib.sha256(body.encode()).hexdigest()
    if forged == "hash":
        digest = digest[::-1]
    signed = f"{url}{'&' if '?' in url else '?'}bodySHA256={digest}"
    signature = RequestValidator(token).compute_signature(signed, {})
    sent = body + ("x" if forged == "body" else "")
    used = token + ("x" if forged == "token" else "")
    expected = RequestValidator(used).validate(signed, sent, signature)
    assert verify_twilio_json(signed, sent.encode(), signature, [used]) is expected
    assert expected is (forged is None or (forged == "hash" and digest == digest[::-1]))


def test_json_without_a_digest_in_its_url_is_not_signed() -> None:
    url = "https://a.example/hook?x=1"
    assert not verify_twilio_json(url, b"{}", RequestValidator("t").compute_signature(url, {}), ["t"])


@pytest.mark.parametrize("query", ["bodySHA256=", "bodySHA256=0&bodySHA256={digest}", "bodysha256={digest}"])
def test_an_unclear_digest_is_no_digest(query: str) -> None:
    url = "https://a.example/hook?" + query.format(digest=hashlib.sha256(b"{}").hexdigest())
    assert not verify_twilio_json(url, b"{}", RequestValidator("t").compute_signature(url, {}), ["t"])


def _sign(url: str, pairs: Sequence[tuple[str, str]], token: str) -> str:
    """Signs as the simulated line does."""
    text = url + "".join(name + value for name, value in sorted(set(pairs)))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()
