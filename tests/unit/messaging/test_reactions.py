"""Reactions of telephones, which quote our own texts."""

from __future__ import annotations

from switchboard.messaging.contact_requests import find_request
from switchboard.messaging.reactions import is_reaction, read_reaction, remove_reaction
from tests.tables import each

OURS = "Acme: Sale today! Text us \u201chi\u201d. Reply STOP to unsubscribe."
REACTIONS = (
    *(
        f"{word} \u201c{OURS}\u201d"
        for word in (
            *("Loved", "Liked", "Disliked", "Laughed at", "Emphasized", "Emphasised", "Questioned"),
            *("Removed a heart from", "Removed a like from", "Removed a question mark from"),
            *(
                "Reacted \U0001f44d to",
                "Reacted \u2764\ufe0f to",
                "Removed \U0001f44d from",
                "Reacted with a sticker to",
            ),
            *("\U0001f44d to", "\u2764\ufe0f to", "\U0001f44d\U0001f3fd to", "\U0001f44d a"),
            *(
                "Le gust\u00f3",
                "Me gusta",
                "Me encant\u00f3",
                "Le encant\u00f3",
                "No le gust\u00f3",
                "Se rio de",
                "Puso en duda",
            ),
            *("Reaccion\u00f3 con \U0001f44d a", "Elimin\u00f3 un coraz\u00f3n de", "A aim\u00e9"),
            # Languages that no list has.
            *("Gostou de", "Hat reagiert auf", "\u0644\u0627\u064a\u0643"),
        )
    ),
    *(
        'Liked "STOP"',
        "Liked \u201cSTOP\u201d",
        "Loved \u00abReply STOP to end\u00bb",
        "  liked \u201cstop texting me\u201d ",
    ),
    # Android puts invisible characters around the emoji and the quotation.
    "\u200a\u200b\U0001f44d\u200b to \u201c\u200a\u200bReply STOP to end\u200a\u200b\u201d\u200a",
    # A long quotation is cut off, and loses its end.
    "Liked \u201cAcme: Sale today! Reply STOP to unsu",
    "Liked \u201cAcme: Say \u201cReply STOP",
    "Loved \u201cTwo\nlines, text STOP\nto end\u201d",
    *(
        "Loved an image",
        "Liked a movie",
        "Laughed at an attachment",
        "\U0001f44d to an image",
        "Le gust\u00f3 una imagen",
    ),
)
OTHERS = (
    *(
        "Loved it",
        "Loved an idea of yours",
        "Liked your offer",
        "I liked \u201cMoby-Dick\u201d",
        "",
        "\U0001f44d",
        '"STOP"',
    ),
    *(
        "\u201cSTOP\u201d",
        "You said \u201creply STOP to end\u201d",
        "Please honor \u201ctext STOP to end\u201d",
        "Questioned by the police",
    ),
    *(
        "I said \u201cstop texting me\u201d",
        "He said \u201chello\u201d",
        "Your text says \u201creply STOP to opt out\u201d. So: stop",
    ),
)


@each("body", REACTIONS)
def test_a_reaction_is_no_request(body: str) -> None:
    assert is_reaction(body)
    for yes_counts in (False, True):
        assert find_request(body, None, yes_counts=yes_counts) is None


@each("body", OTHERS)
def test_other_texts_are_no_reactions(body: str) -> None:
    assert not is_reaction(body)
    assert remove_reaction(body) == body


def test_the_words_after_a_quotation_count() -> None:
    for said in ("STOP", "stop texting me"):
        body = f"Disliked \u201c{OURS}\u201d {said}"
        assert not is_reaction(body)
        assert remove_reaction(body) == said
        found = find_request(body, None, yes_counts=False)
        assert found is not None
        assert found.kind == "stop"


def test_a_dislike_is_told_apart() -> None:
    kinds = {
        "Disliked": "dislike",
        "\U0001f44e to": "dislike",
        "Reacted \U0001f44e to": "dislike",
        "No le gust\u00f3": "dislike",
        "Liked": "like",
        "Removed a dislike from": "like",
    }
    found = {word: read_reaction(f"{word} \u201cHello.\u201d") for word in kinds}
    assert {word: one and one.kind for word, one in found.items()} == kinds
