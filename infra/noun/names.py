"""The names of a new noun, in all the forms that its files need."""

from __future__ import annotations

import re
from dataclasses import dataclass


class NounError(Exception):
    """The noun cannot be made. The message says what to do."""


@dataclass(frozen=True)
class NounNames:
    """The names of a noun. `things` is the name of its folders, `thing` the singular, `prefix` that of its ids."""

    things: str
    thing: str
    prefix: str

    @classmethod
    def of(cls, things: str, thing: str = "", prefix: str = "") -> NounNames:
        """Derive the names that are not given. Raises NounError."""
        thing = thing or _singular(things)
        prefix = prefix or thing.replace("_", "")[:3]
        for name in (things, thing):
            if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name):
                raise NounError(f"NAME={name}: use lower-case letters, and underscores between words")
        if thing == things:
            raise NounError(f"NAME={things}: give its singular too: SINGULAR=…")
        if not re.fullmatch(r"[a-z]{2,6}", prefix):
            raise NounError(f"PREFIX={prefix}: use two to six lower-case letters, without an underscore")
        return cls(things, thing, prefix)

    @property
    def words(self) -> dict[str, str]:
        """The words that stand in templates."""
        title, titles = self.thing.replace("_", " "), self.things.replace("_", " ")
        article = "an" if title[0] in "aeiou" else "a"
        return {
            "thing": self.thing,
            "things": self.things,
            "Thing": _class_name(self.thing),
            "Things": _class_name(self.things),
            "THINGS": self.things.upper(),
            "title": title,
            "titles": titles,
            "Titles": titles.capitalize(),
            "Tag": titles.title(),
            "a_thing": f"{article} {title}",
            "a_Thing": f"{article.capitalize()} {title}",
            "path": self.things.replace("_", "-"),
            "queue": self.things.replace("_", "-"),
            "queue_": self.things,
            "prefix": self.prefix,
        }


def _singular(things: str) -> str:
    for ending, singular in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("s", "")):
        if things.endswith(ending):
            return things.removesuffix(ending) + singular
    return things


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
