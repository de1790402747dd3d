"""The answer of a server has none of the secrets that we sent to the server."""

from __future__ import annotations

import base64
import json

from switchboard.outbound.sent_secrets import HIDDEN, SentSecrets
from tests.tables import each

PAIR = base64.b64encode(b"ada:pass word/1").decode()
ANSWERS = [
    ("Bearer s3cret-1", "Invalid key: Bearer s3cret-1."),
    ("Bearer s3cret-1", "key=s3cret-1&x"),
    ("Bearer s3cret-1", "BEARER S3CRET-1"),
    ("s3 cret/1", "?key=s3%20cret%2F1 ?key=s3+cret%2F1 ?key=s3%20cret/1"),
    ('a"b<c', json.dumps({"got": 'a"b<c'})),
    ('a"b<c', "a&quot;b&lt;c"),
    ("s3cret-1", base64.b64encode(b"s3cret-1").decode().rstrip("=")),
    (f"Basic {PAIR}", PAIR),
    (f"Basic {PAIR}", "ada:pass word/1"),
    (f"Basic {PAIR}", "the password pass word/1 is wrong"),
    (f"Basic {PAIR}", "pass%20word%2F1"),
    ("session=s3cret-1; theme=dark", "no session s3cret-1"),
]


@each("case", ANSWERS)
def test_no_usual_form_of_a_secret_is_left(case: tuple[str, str]) -> None:
    value, answer = case
    secrets = SentSecrets([value])
    shown = secrets.hide(answer)
    assert HIDDEN in shown
    assert secrets.are_in(answer)
    assert not secrets.are_in(shown)
    for part in ("s3cret", "S3CRET", "pass", "cret"):
        assert part not in shown.replace("the password ", "")


def test_a_longer_secret_is_hidden_before_a_part_of_it() -> None:
    assert SentSecrets(["Bearer abcd", "Bearer abcd-efgh"]).hide("abcd-efgh abcd") == f"{HIDDEN} {HIDDEN}"


def test_a_text_without_the_secret_stays() -> None:
    secrets = SentSecrets(["Bearer s3cret-1", "1", "dGVzdA=="])
    assert secrets.hide("1 order of 3: bearer of news, test") == "1 order of 3: bearer of news, test"
    assert not SentSecrets([]).are_in("anything")


def test_names_and_values_of_json_are_read() -> None:
    schema = {"s3cret-1": [{"description": "use s3cret-1", "maximum": 4, "ok": True}]}
    assert SentSecrets(["s3cret-1"]).hide_in_json(schema) == {
        HIDDEN: [{"description": f"use {HIDDEN}", "maximum": 4, "ok": True}]
    }
