"""The people of the crowd: their numbers, and the contacts that most of them have."""

from __future__ import annotations

import random
from collections.abc import Iterator

from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Put
from switchboard.compliance.data import area_codes
from switchboard.contacts import service as contacts
from switchboard.contacts import store as contact_store
from switchboard.contacts.models import Contact
from switchboard.search import tail

#: The author of tags, notes and activity: a user's id and name.
Author = tuple[str, str]
_FIRST = """Ada Grace Alan Edsger Barbara Donald Frances Tony Radia Ken Jean Dennis Hedy Linus Katherine Guido Margaret
Niklaus Adele Bjarne Lynn Vint Karen Leslie Sophie Whitfield Shafi John Mary Tim Carol Robin Evelyn Dorothy Annie
Émile Søren Zoë José Renée Jürgen Łukasz Chloé Ivan Mei Hiro Amara Kofi Priya""".split()  # noqa: SIM905 a list of quoted words would be longer
_LAST = """Lovelace Hopper Turing Dijkstra Liskov Knuth Allen Hoare Perlman Thompson Bartik Ritchie Lamarr Johnson
Hamilton Wirth Goldberg Conway Cerf Jones Lamport Wilson Diffie Goldwasser Backus Keller Shaw Milner Boyd Vaughan
Easley Zola Kierkegaard Müller García Nowak Dubois Petrov Chen Tanaka Okafor Mensah Sharma Smith Brown Miller Davis
Moore Taylor""".split()  # noqa: SIM905
_ROLES = ("Patient", "Nurse", "Front desk", "Pharmacist", "Supplier", "Physician", None, None)
_NOTES = """prefers mornings afternoon allergic penicillin wheelchair interpreter Spanish voicemail insurance renewal
follow-up asked about billing parking invoice moved from Lakeside new address daughter calls son lives abroad""".split()  # noqa: SIM905


def list_numbers() -> list[str]:
    """All numbers that are reserved for fiction, in a random order that is always the same."""
    found = [f"+1{code}55501{last:02}" for code in sorted(area_codes.AREA_CODES) for last in range(100)]
    random.Random(1815).shuffle(found)  # noqa: S311 a made-up crowd, not a secret
    return found


def name_person(chance: random.Random) -> str:
    """A name."""
    return f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"


def contact_items(org_id: str, how_many: int) -> Iterator[tuple[str, Item]]:
    """The items of contacts, with their index entries."""
    chance = random.Random(1852)  # noqa: S311
    for number in list_numbers()[:how_many]:
        contact = _contact(org_id, number, chance)
        writes = [
            *contact_store.contact_writes(None, contact, _never),
            *tail.new_tail_writes(contact_store.NOUN, org_id, contact.id, contact.tail_tokens()),
        ]
        yield from ((write.table, write.item) for write in writes if isinstance(write, Put))


def _contact(org_id: str, number: str, chance: random.Random) -> Contact:
    changes = {
        "display_name": name_person(chance) if chance.random() < 0.9 else None,
        "role": chance.choice(_ROLES),
        "email": f"{number[1:]}@example.com" if chance.random() < 0.3 else None,
        "notes": " ".join(chance.sample(_NOTES, chance.randint(3, 9))) if chance.random() < 0.3 else None,
    }
    return contacts.next_revision(contacts.new_contact(org_id, number), changes)


def _never(_: list[Item | None]) -> Exception:
    return AssertionError("nothing is conditional here")
