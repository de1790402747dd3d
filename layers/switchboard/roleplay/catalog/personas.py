"""The personas, by pool. All of them are fictional. Like drills, published personas never change."""

from __future__ import annotations

from switchboard.roleplay.catalog.models import Difficulty, Persona

_BEGINNER, _ADVANCED, _ELITE = Difficulty.BEGINNER, Difficulty.ADVANCED, Difficulty.ELITE
_SUBJECTS = ("doctor", "drug", "wish", "doubt")
_ROWS: dict[str, tuple[tuple[str, str, Difficulty, str, str, str, str], ...]] = {
    # name, state, difficulty; doctor, drug, wish, doubt
    "medicare": (
        ("Dorothy Kim", "CA", _BEGINNER, "Dr. Alvarez in Fresno", "lisinopril", "a dentist who is covered",
         "whether I can keep my doctor"),
        ("Walter Boone", "TX", _BEGINNER, "Dr. Whitfield at the county clinic", "metformin", "lower copays",
         "the cost of the ambulance"),
        ("Ruth Sandoval", "AZ", _BEGINNER, "Dr. Nakai", "levothyroxine", "glasses every year",
         "having to learn it all anew"),
        ("Harold Nguyen", "FL", _ADVANCED, "a cardiologist, Dr. Pryce, in Tampa", "Eliquis",
         "the same hospital as before", "networks: a neighbor lost her heart doctor over one"),
        ("Geraldine Ochoa", "TX", _ADVANCED, "Dr. Banerjee", "Ozempic", "something for the gym",
         "the prices of drugs in the fall"),
        ("Leonard Fisk", "OH", _ADVANCED, "the VA and Dr. Marsh", "atorvastatin", "one card for everything",
         "giving up what I pay nothing for now"),
        ("Beverly Tran", "CA", _ADVANCED, "Dr. Cohen at the medical center", "Xarelto", "hearing aids",
         "referrals for everything"),
        ("Vernon Castellanos", "NC", _ELITE, "three specialists, and I will not name them all twice", "Humira",
         "no surprises, ever", "people like you who call every October"),
        ("Marjorie Ellison", "PA", _ELITE, "Dr. Steinberg, and nobody else", "Jardiance", "to be left as I am",
         "what my son, who is a lawyer, will say"),
        ("Clifford Rowe", "FL", _ELITE, "the clinic in Ocala", "insulin, two kinds", "proof in writing",
         "prior authorizations"),
    ),
    "turning-65": (
        ("Denise Abbott", "GA", _BEGINNER, "Dr. Rao", "nothing but vitamins", "to do it right the first time",
         "missing a deadline"),
        ("Steven Park", "CA", _BEGINNER, "Dr. Lindqvist", "losartan", "somebody who explains it",
         "all those letters in my mailbox"),
        ("Patricia Wynn", "MI", _ADVANCED, "Dr. Okafor", "sertraline", "to keep what my husband has",
         "paying for Part B while I still work"),
        ("Gregory Stokes", "TX", _ADVANCED, "nobody in years", "none", "the cheapest that is decent",
         "paying for what I never use"),
        ("Annette Boyle", "NY", _ELITE, "an oncologist in the city", "anastrozole", "a second opinion anywhere",
         "any plan that has a network at all"),
        ("Raymond Tull", "FL", _ELITE, "a concierge doctor", "testosterone", "to compare all of them myself",
         "your commission"),
    ),
    "final-expense": (
        ("Ernestine Gray", "AL", _BEGINNER, "Dr. Hollis", "amlodipine", "not to burden my daughter",
         "whether it still pays when I am ninety"),
        ("Floyd Mercer", "KY", _BEGINNER, "the clinic in town", "an inhaler", "a plain burial beside my wife",
         "the price going up"),
        ("Lucille Prater", "TN", _ADVANCED, "Dr. Vance", "warfarin", "cremation, and a meal for everybody",
         "a policy that I once had and that lapsed"),
        ("Otis Hargrove", "GA", _ADVANCED, "the VA", "gabapentin", "something my grandson can use",
         "having money in the bank for it already"),
        ("Wilma Kessler", "OH", _ELITE, "that is private", "that too", "to think about it",
         "my church, which takes care of its own"),
        ("Roscoe Timmons", "TX", _ELITE, "Dr. Ibarra", "nitroglycerin", "to hear the price first",
         "a man on television who is cheaper"),
    ),
    "under-65": (
        ("Kayla Jennings", "NC", _BEGINNER, "a pediatrician, Dr. Moss", "an EpiPen for my son", "low copays",
         "what happens if I earn more"),
        ("Miguel Torres", "TX", _BEGINNER, "Dr. Salinas", "none", "to be legal and covered",
         "the papers that are asked for"),
        ("Brandon Whitley", "FL", _ADVANCED, "an orthopedist, Dr. Quinn", "meloxicam", "surgery in the spring",
         "deductibles: mine was eight thousand"),
        ("Priya Raman", "CA", _ADVANCED, "Dr. Feldman", "Adderall", "to keep my therapist",
         "networks that change in January"),
        ("Joanne Sever", "PA", _ELITE, "four of them", "a biologic", "out-of-state cover",
         "the last agent, who got my income wrong"),
        ("Curtis Boyd", "GA", _ELITE, "whoever is open", "none of your business yet", "a number, now",
         "paying for people who smoke"),
    ),
    "ancillary": (
        ("Gladys Monroe", "OH", _BEGINNER, "Dr. Tamura", "a water pill", "somebody who looks in after surgery",
         "whether I would ever use it"),
        ("Eugene Pratt", "TX", _BEGINNER, "the heart clinic", "metoprolol", "not to ask my son for money",
         "one more bill each month"),
        ("Rosalind Vega", "AZ", _ADVANCED, "Dr. Osei", "apixaban", "to come home soon after my hip",
         "a plan that says it covers that already"),
        ("Melvin Sharpe", "GA", _ADVANCED, "Dr. Lindgren", "insulin", "to pay the mortgage whatever happens",
         "waiting periods, which caught my brother"),
        ("Constance Whitlow", "FL", _ELITE, "two, who do not agree", "I will not read you the list",
         "to see it in writing first", "being sold a thing at the end of each call"),
        ("Barton Keane", "NC", _ELITE, "the VA", "none", "a good reason", "insurance for my insurance"),
    ),
}  # fmt: skip


def _persona(pool: str, row: tuple[str, str, Difficulty, str, str, str, str]) -> Persona:
    name, state, difficulty, *facts = row
    return Persona(
        id=f"{pool}/{name.lower().replace(' ', '-')}",
        name=name,
        state=state,
        difficulty=difficulty,
        facts=dict(zip(_SUBJECTS, facts, strict=True)),
    )


PERSONAS: dict[str, tuple[Persona, ...]] = {
    pool: tuple(_persona(pool, row) for row in rows) for pool, rows in _ROWS.items()
}


def candidates(pool: str, difficulty: Difficulty, state: str | None) -> tuple[Persona, ...]:
    """Returns the personas of a pool and a difficulty. If the pool has personas of the US state, only these."""
    fitting = tuple(persona for persona in PERSONAS[pool] if persona.difficulty is difficulty)
    wanted = (state or "").strip().upper()
    return tuple(persona for persona in fitting if persona.state == wanted) or fitting
