"""The dialogue of a scripted rep and a simulated persona, by the criteria of the drill."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from switchboard.roleplay.catalog.models import Difficulty
from switchboard.roleplay.transports import Room

#: The percentage of criteria that each kind of rep meets. The last kind also says a forbidden sentence (`_SLIP`).
SKILL = {"rep_excellent": 100, "rep_good": 85, "rep_fair": 55, "rep_poor": 20}
_SLIP = "And this plan is totally free, but you have to sign now, before you lose your benefits."


@dataclass(frozen=True, slots=True)
class Beat:
    """The lines for a criterion: of a good rep, of a careless rep, and the persona's answer to a good rep."""

    strong: str
    weak: str
    answer: str


BEATS: dict[str, Beat] = {
    "introduction": Beat(
        "Good morning, {name}. My name is Alex, I am a licensed agent with Harbor Benefits, and I am calling about the"
        " coverage that you asked us to look at.",
        "Hi, is that {name}? I have something great for you.",
        "Yes, this is {name}.",
    ),
    "recording": Beat("Before we begin: this line is recorded.", "So, let us start.", "All right."),
    "disclaimer": Beat(
        "We do not offer every plan in your area; medicare.gov and your state's program can tell you of all of them.",
        "We have the best plans, believe me.",
        "I did not know that.",
    ),
    "scope": Beat(
        "We record a scope of appointment first: is it all right with you if we talk about Medicare plans today?",
        "I will tell you about plans now.",
        "We can do that, yes.",
    ),
    "rapport": Beat(
        "Thank you for taking the time. How has your week been?", "Okay, moving on.", "Busy. The grandchildren came."
    ),
    "eligibility": Beat(
        "Do you have both Part A and Part B? And do you get any help from Medicaid, or Extra Help?",
        "You have Medicare, right?",
        "I have both parts, and no help from the state.",
    ),
    "election": Beat(
        "Let us see which enrollment period is open for you: have you moved, or lost other coverage, this year?",
        "I am sure that we can sign you up somehow.",
        "I moved in with my sister in the spring.",
    ),
    "turning-65": Beat(
        "Your initial enrollment period runs from three months before to three months after your birthday month. Will"
        " you have coverage from an employer?",
        "You should just take everything when you turn 65.",
        "I stop working in the summer.",
    ),
    "doctors": Beat(
        "Which doctors and specialists do you want to keep?", "Your doctors should be fine.", "I see {doctor}."
    ),
    "drugs": Beat(
        "Which prescriptions do you take, at what dose, and which pharmacy do you use?",
        "Drugs are covered, mostly.",
        "I take {drug}, and I go to the pharmacy on Main Street.",
    ),
    "priorities": Beat(
        "What do you like about your plan now, what would you change about it, and what matters most to you?",
        "I suppose you want to save money.",
        "What I want is {wish}.",
    ),
    "presentation": Beat(
        "The plan has no premium beyond Part B, copays of ten and forty dollars, an out-of-pocket limit of four"
        " thousand a year, and your doctor is in its network.",
        "It is a really good plan, with lots of extras.",
        "And what does it cost when I am in the hospital?",
    ),
    "tied-back": Beat(
        "You told me that you want {wish}: that is what this plan is strong in.",
        "Everybody likes this plan.",
        "That does sound like it.",
    ),
    "checked": Beat(
        "Does that make sense so far? What questions do you have?", "Good, that is that.", "I think that I follow."
    ),
    "acknowledged": Beat(
        "I hear you, {name}. That is a fair point.", "You do not need to worry.", "What bothers me is {doubt}."
    ),
    "explored": Beat(
        "Could you tell me more? What exactly worries you about it?",
        "Everybody says that.",
        "It happened to somebody I know, and nobody called her back.",
    ),
    "resolved": Beat(
        "Here is how that works: it stands on page twelve of the summary, and I will send it to you. Does that settle"
        " it?",
        "It will be all right.",
        "If you send it to me, yes.",
    ),
    "supplement": Beat(
        "Medicare pays eighty percent; a supplement pays the twenty percent that is left, with any doctor who takes"
        " Medicare.",
        "It pays what Medicare does not.",
        "So nobody tells me whom to see.",
    ),
    "underwriting": Beat(
        "In your open enrollment there are no health questions; afterwards there are.",
        "They may ask you some things.",
        "Then I should not wait too long.",
    ),
    "final-wishes": Beat(
        "May I ask: would you want a burial or a cremation? And who would have to pay for it today?",
        "Funerals are expensive, you know.",
        "I want {wish}. My daughter would have to pay, and she has two jobs.",
    ),
    "budget": Beat(
        "What could you put aside each month, and be comfortable with?",
        "It is sixty dollars.",
        "Forty would be all right.",
    ),
    "insurability": Beat(
        "Do you use tobacco? And have you been treated for anything with your heart or lungs?",
        "You are healthy, are you?",
        "I quit in 1998. I take {drug}.",
    ),
    "beneficiary": Beat(
        "Who is to be the beneficiary?", "We can fill in the rest later.", "My daughter. She will need it."
    ),
    "household": Beat(
        "How many people are in your household, and what income do you expect this year?",
        "Prices depend on a few things.",
        "We are three, with about fifty-two thousand.",
    ),
    "tax-credit": Beat(
        "That earns you a premium tax credit, which is settled with your tax return.",
        "You will get a discount.",
        "And if I earn more than I thought?",
    ),
    "metals": Beat(
        "Silver has the higher premium and a deductible of twelve hundred; bronze is cheaper, with seven thousand.",
        "Bronze is the cheapest.",
        "Then silver may be cheaper in the end.",
    ),
    "close": Beat(
        "Shall we go ahead with the application?", "So, think about it.", "Let us do it."
    ),
    "recap": Beat(
        "Your coverage begins on the first of next month, the card comes in the mail within ten days, and you can call"
        " me at any time.",
        "Okay, bye then.",
        "Thank you, Alex. Goodbye.",
    ),
    "home-care": Beat(
        "It pays for a home health aide while you recover, one hundred and fifty dollars a day, for up to ninety days.",
        "It is help at home, really nice to have.",
        "My sister came when I had the knee done. She cannot do that again.",
    ),
    "hospital-cash": Beat(
        "Hospital indemnity pays two hundred dollars for each day that you are in, and it is paid straight to you.",
        "You get money when you are in the hospital.",
        "To me, and not to the hospital?",
    ),
    "lump-sum": Beat(
        "Critical illness cover pays a lump sum once, when a doctor finds cancer, a heart attack or a stroke.",
        "It covers you when you get really sick.",
        "My father had the second of those.",
    ),
    "gap": Beat(
        "With your plan you would still pay three hundred and twenty-five dollars a day: a hospital stay of five days"
        " leaves you with over sixteen hundred.",
        "Your plan does not pay everything, you know.",
        "I did not think that it was so much.",
    ),
    "bridge": Beat(
        "Your plan is settled. May I show you something that is separate from it, and that you can decline?",
        "And now for the next thing.",
        "If it does not take long.",
    ),
    "step-up": Beat(
        "The higher benefit pays twice as much, and it is eleven dollars more each month.",
        "You should take the bigger one.",
        "Eleven is not the world.",
    ),
    "step-down": Beat(
        "A smaller benefit fits that: you give up thirty of the ninety days, and keep the rest.",
        "Then take something cheaper.",
        "Sixty days would be enough.",
    ),
}  # fmt: skip

#: The persona's answer to a careless line, by difficulty.
_PUT_OFF = {
    Difficulty.BEGINNER: "Well, if you say so.",
    Difficulty.ADVANCED: "I would like to know that a little more exactly.",
    Difficulty.ELITE: "That is no answer. You sound like all the others.",
}
_PICKS_UP = {
    Difficulty.BEGINNER: "Hello?",
    Difficulty.ADVANCED: "Hello, who is this, please?",
    Difficulty.ELITE: "Yes? Make it short.",
}
#: The interjections of a harder persona, in order, and the number of beats between two of them.
_THROWN_IN = {
    Difficulty.BEGINNER: (0, ()),
    Difficulty.ADVANCED: (6, ("Before you go on: I worry about {doubt}.", "How long will this take?")),
    Difficulty.ELITE: (
        3,
        (
            "Hold on. What about {doubt}?",
            "You are reading that off a card, are you not?",
            "And who pays you for this?",
            "I have heard all of that before.",
            "Say that again, without the words that nobody uses.",
        ),
    ),
}
_CALMED = ("I understand, and I will come to that in a moment.", "Let me just finish.")


def dialogue(room: Room) -> list[tuple[str, str]]:
    """Returns the speakers and lines of a call, in order."""
    persona = room.persona
    words = {"name": persona.name, **persona.facts}
    every, thrown_in = _THROWN_IN[persona.difficulty]
    lines = [("persona", _PICKS_UP[persona.difficulty])]
    beats = [key for key in room.criteria if key in BEATS]
    for number, key in enumerate(beats, start=1):
        beat, well = BEATS[key], _does_well(room, key)
        lines.append(("rep", beat.strong if well else beat.weak))
        lines.append(("persona", beat.answer if well else _PUT_OFF[persona.difficulty]))
        if every and number % every == 0 and number < len(beats):
            lines.append(("persona", thrown_in[(number // every - 1) % len(thrown_in)]))
            lines.append(("rep", _CALMED[not _does_well(room, f"calm {number}")]))
    if skill(room) < SKILL["rep_fair"]:
        lines.insert(-2, ("rep", _SLIP))
    return [(speaker, text.format(**words)) for speaker, text in lines]


def skill(room: Room) -> int:
    """Returns the percentage of criteria that the rep meets."""
    kinds = list(SKILL.values())
    return SKILL.get(room.rep, kinds[_roll(room.call_id, "skill") % len(kinds)])


def _does_well(room: Room, key: str) -> bool:
    return _roll(room.call_id, key) < skill(room)


def _roll(call_id: str, about: str) -> int:
    """Returns a number from 0 to 99 that depends only on the call and the subject."""
    return int.from_bytes(hashlib.sha256(f"{call_id}\x1f{about}".encode()).digest()[:4]) % 100
