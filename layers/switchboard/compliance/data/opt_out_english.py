"""Patterns of plain English words: requests for no more calls, and phrases that only look like such a request.

`switchboard.compliance.opt_out_speech` cuts `NO_WISHES` out first, then looks for `WISHES`. Every repetition in
a pattern has a limit, or repeats whole words that exclude each other, so that the time grows with the length alone.
"""

from __future__ import annotations

_ME = (
    r"(?:me|us|here|(?:my|this|our|that|the|these) (?:\w+ ){0,2}?(?:number|numbers|phone|cell|line"
    r"|house|home|office)|again)"
)
_DO = r"(?:call|phone|contact|ring|dial|bother|disturb|harass|robocall|text|message)"
_DOING = (
    r"(?:call|robocall|phon|contact|ring|dial|text|messag|bother|harass|spamm|pester|disturb|annoy|hound"
    r"|bugg|solicit)"
    r"ing?\b"
)
_DONT = r"(?:dont|do not|never|not to|to not)"
#: Words that may stand between "don't" and the verb.
_EVER = r"(?: (?:ever|you|please|even|dare|guys|people|just))*"
_WANT_NOT = (
    r"\b(?:i (?:dont|do not|no longer|didnt|did not)|never)(?: ever)? (?:want|wish|wanna|need|care)(?: to| for)?"
)
_DAY = r"(?:\w+ )?(?:sun|mon|tues|wednes|thurs|fri|satur|week|holi)(?:day|end)s?"
_NUMERAL = r"(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|noon|midnight)"
#: Phrases that ask for other hours.
_HOURS = "|".join(
    (
        r"before(?! i\b)",
        "after",
        "until",
        "till",
        "during",
        "between",
        "while",
        "when",
        rf"on {_DAY}",
        r"in the (?:morning|evening|afternoon|middle)",
        r"(?:so|too|this|that|very) (?:early|late)",
        rf"at (?:night|lunch|dinner|this (?:hour|time)|that (?:hour|time)|the moment|such|{_NUMERAL})",
    )
)
#: Phrases that ask for another time, or for no call right now.
_LATER = "|".join(
    (
        _HOURS,
        "later",
        "today",
        "tonight",
        "tomorrow",
        "now",
        r"right (?:now|away|this|before|after|at)",
        r"(?:this|next) (?:week|month|morning|evening|afternoon|weekend)",
        r"for (?:now|a|an|another|at least|the (?:next|moment|time))",
    )
)
#: "Until hell freezes over", "tomorrow or ever again".
_NO_LATER = r"(?! (?:hell|or (?:ever|any)))"
_NAMED = r"(?:sir|maam|mister|mr|miss|mrs|ms|an?(?! \w+ time)|the|that|names|by|honey|sweetie|sweetheart|baby)"
_OTHERS = (
    r"(?:(?:the(?! (?:house|home|office|number|phone|line|store|shop))|a|an|him|her|them|it|people|anyone"
    r"|anybody|someone"
    r"|somebody|everyone|customers)\b(?! (?:again|anymore|any more|ever|no more)\b)|in sick|for help|911"
    r"|nine one one)"
)
_INSTEAD = (
    r"(?:just |only |rather |better |please |but |i want |you can |id rather |instead )*(?:a )?(?:call"
    r"|calls|phone)\b"
)
_I_WILL = (
    r"(?:ill|i will|well|we will|let me|i can|im going to|i am going to|ill just) (?:\w+ )?"
    r"(?:call|ring|phone|hold|wait|stay|try|get|contact|reach|text|come|stop|talk)\b"
)

_THEM = (
    r"(?:me|us|it|him|her|(?:my|this|our|that|the) (?:\w+ ){0,2}?"
    r"(?:number|name|info|information|contact|details|phone|mom|dad|mother|father|wife|husband|son"
    r"|daughter|data)|number)"
)
_TAKE = r"(?:take|get|remove|delete|drop|strike|scratch|cross|scrub|pull|block|purge|erase|wipe|cut|keep|leave)"
_AWAY = r"(?: (?:off|from|out))"
#: The lists of these are no lists of numbers to call.
_EVENT = (
    r"(?:appointment|meeting|visit|booking|reservation|class|lesson|session|event|party|tour|trip|delivery"
    r"|webinar|training|dinner|lunch|table)s?"
)

#: Phrases that only look like a request. `|` marks the end of a clause in the text.
NO_WISHES = (
    # The opposite.
    (
        r"(?<!\bi )(?<!\byou )(?<!\bthey )(?<!\bwhy )\b(?:dont|do not|never|didnt|did not)(?: ever| please)? "
        r"(?:stop|quit|cease|remove|take|delete|unsubscribe|opt|drop|lose|erase)\b(?: \w+){0,2}"
    ),
    (
        r"\b(?:dont|do not|not|didnt|did not|never|nobody|no one)(?: ever)? "
        r"(?:want|wish|ask|asked|asking|tell|told|telling|said|say|saying|need|like)(?: (?:you|them|anyone|to|that))* "
        r"(?:be |get )?(?:stop|quit|cease|removed?|taken?|deleted?|unsubscribed?|opt)\b(?: \w+){0,2}"
    ),
    r"\bi (?:cant|cannot|can not|couldnt|could not|wont|will not) (?:stop|quit) \w+ing?\b",
    r"\b(?:wont|doesnt|does not|will not|didnt|did not) stop ringing\b",
    r"\bdid (?:you|they|we|i|he|she) (?:ever )?(?:stop|quit) \w+ing?\b",
    r"\b(?:dont|do not|not|never|didnt|did not) (?:\w+ )?(?:revoke|revoking|withdraw|withdrawing)\b",
    # A statement about an action, not a request for it.
    (
        rf"\b(?:i|we|they|he|she|kids|children|friends|parents) (?:dont|do not|never)(?: (?:ever|even|really"
        rf"|usually))? {_DO}\b"
    ),
    (
        rf"(?:^|[|/] |\b(?:if|when|because|come|since|that|say|said|but|cause) )you(?: guys| people)? (?:dont"
        rf"|do not|never) {_DO}\b"
        r"(?! (?:\w+ )?(?:again|here)\b)"
    ),
    rf"\bwhy (?:dont|do not|didnt|cant|can|could)(?: you| they| we| i)(?: not)?(?: just| ever| please)? {_DO}\b",
    # Another time, a form of address, another person, a call back.
    rf"\b{_DONT}{_EVER} {_DO}(?: {_ME})?(?: back)? (?:{_LATER})\b{_NO_LATER}",
    (
        rf"{_WANT_NOT}(?: \w+){{0,4}} (?:calls?|called|contacted|calling|messages|texts)(?: me"
        rf"| us)? (?:{_HOURS})\b{_NO_LATER}"
    ),
    rf"\b{_DONT}{_EVER} call (?:me|us) {_NAMED}\b",
    r"\bbe called (?:a|an|sir|maam|mister|miss|by|(?:\w+ )?(?:\| )?(?:\w+ )?call me)\b",
    rf"\b{_DONT}{_EVER} {_DO} {_OTHERS}",
    rf"\b{_DONT}{_EVER} {_DO}(?: me| us)? back(?: \|)?(?: \w+)?(?: \|)? {_I_WILL}",
    # The speaker calls instead.
    (
        rf"\b{_DONT}{_EVER} {_DO}(?: me| us)?(?: \|)? (?:ill|i will|well|we will|i can|im going to|i am going to) "
        r"(?:just )?(?:call|ring|phone|contact|text) you\b"
    ),
    # A call instead of a text.
    rf"\b{_DONT}{_EVER} (?:text|message)(?: me| us)?(?: \|)? {_INSTEAD}",
    rf"{_WANT_NOT}(?: \w+){{0,2}} (?:texts?|messages?)(?: from you)?(?: \|)? {_INSTEAD}",
    # A statement that something does not exist.
    (
        r"\b(?:have|has|had|are|were|was|is|got|left|see|received) no (?:(?:more|further|missed) )?(?:calls"
        r"|messages|texts)\b"
    ),
    r"\b(?:miss|missed|missing|lose|drop) (?:your|the|this|that|any|a)(?: \w+)? calls?\b",
    r"\bleave (?:me|us) alone with\b",
    # Calls of somebody else.
    (
        r"\b(?:my|an?|some|another|his|her) (?:\w+ ){1,3}?keeps? (?:on )?calling(?: me| us)?(?: \|)?(?: \w+){0,4} "
        r"(?:make|get|have|tell|ask) (?:them|him|her|it) (?:to )?(?:stop|quit)(?: calling)?(?: me| us)?\b"
    ),
    # Another number, or another list.
    (
        r"\b(?:forget|delete|remove) (?:my|this|that) (?:\w+ )?number(?: \|)? (?:and |please )?(?:let me|use"
        r"|ill give|i have a new|here is)\b"
    ),
    r"\bunsubscribe (?:me )?from (?:the|your) (?:newsletter|email|emails|mailing)\b",
    rf"\b{_TAKE} {_THEM}{_AWAY}(?: of)? (?:\w+ ){{0,3}}?lists? for (?:\w+ ){{0,3}}?(?:{_EVENT}|{_DAY})\b",
)

#: The end of a phrase that is a request only without another object: "take me off", but not "take me off hold".
_DONE = (
    r"(?=$|(?: (?:please|thanks|thank|now|right now|immediately|today|already|i|im|its|and (?!use|add|put"
    r"|call|write|save)"
    r"\w+|ok|okay|because|or|you|dont|do not|stop|not|this is|if|asap|sir|maam|goodbye|bye)\b))"
)
_LIST = (
    r"(?: of)? (?:\w+ ){0,4}?(?<!waiting )(?<!wait )(?<!guest )(?<!price )(?<!shopping )"
    r"(?:lists?|database|databases|systems?|records?|registry|roster|files?|calls|calling|directory"
    r"|dialer|contacts)\b"
)
_TAKEN = (
    r"(?:removed|deleted|dropped|erased|purged|(?:taken|struck|scratched|crossed|gotten|left)(?= (?:off|from|out)))"
)

#: Requests that do not say what shall stop. A person who was called means the calls. A caller may mean something else.
SHORT_WISHES = (
    r"\b(?:told|asked|telling|asking) you(?: \w+){0,2} to stop$",
    r"\bplease no more$|^no more(?: please)?$",
    r"^do not disturb(?: me| us)?$",
)

WISHES = (
    # Stop calling.
    rf"\b(?:stop|quit|cease|discontinue)(?: \w+){{0,2}}? {_DOING}(?! you\b)",
    (
        r"\b(?:stop|end|quit|cease|discontinue|(?:stop|quit) it|stop with|no more of)"
        r"(?: (?:with|all|the|these|those|this|your|any|making|sending|me|us|placing|of|future|further|more"
        r"|phone|robo|sales|spam))*"
        r" (?:robo|phone)?calls\b"
    ),
    r"\b(?:i(?:d| would)? (?:want|like|wish|need) to|(?:do|can) i) stop (?:receiving|getting) (?:\w+ ){0,2}calls\b",
    r"\bkeeps? calling(?: \w+){0,3} stop\b",
    r"\bcease and desist\b",
    r"\bstop llama(?:r|rme|ndo)\b",
    # Don't call.
    rf"\b(?:dont|do not|never){_EVER} (?:call|phone|contact|ring|dial|harass|robocall|text)\b",
    rf"\b(?:dont|do not|never){_EVER} (?:bother|disturb|message) (?:me|us|calling|contacting|again)\b",
    (
        r"\b(?:dont|do not|never) (?:make|place|send|give)(?: (?:any|more|these|those|your|sales|further"
        r"|other|such|me|us)){1,3}"
        r" calls\b"
    ),
    rf"(?<!\bwhy )\b(?:can|could|would|will) you(?: please| just)? (?:not|never)(?: ever| please)? {_DO}\b",
    (
        rf"(?<!\bif )\byou (?:cant|can not|cannot|may not|must not|shouldnt|should not|dont"
        rf"|do not)(?: ever)? {_DO}(?: {_ME})?"
        r" (?:again|anymore|any more|ever)\b"
    ),
    (
        rf"\b(?:told|tell|telling|ask|asked|asking|said|warned|want|wish|prefer|like|need|beg|begging|please"
        rf"|try|instructed)"
        rf"(?: (?:you|guys|people|them|him|her|yall|already|once|before|twice))* (?:not to|to not|to never"
        rf"|never to)(?: ever)? {_DO}\b"
    ),
    (
        rf"\b(?:rather|prefer|wish|appreciate it if)(?: that| if)? you (?:not|didnt|did not|wouldnt|would not"
        rf"|dont|do not)"
        rf"(?: ever)? {_DO}(?:ed)?\b"
    ),
    rf"\byou(?: are|re) not (?:allowed |permitted |authorized )?to(?: ever)? {_DO}\b",
    rf"\byou (?:must|may|shall) not(?: ever)? {_DO}\b|\bi forbid you\b",
    r"\bi (?:dont|do not|never) (?:get|be) (?:called|contacted)(?: by you)? (?:again|anymore)\b",
    rf"\bno longer (?:call|contact|phone) {_ME}",
    r"\bno (?:more|further) (?:\w+ )?(?:calls|texts|messages)\b|\bno calls(?: please|$)",
    r"\bdo not call (?:list|registry)\b|\bon (?:the|your) do not call\b",
    # Take me off the list.
    rf"\b{_TAKE} {_THEM}{_AWAY}(?:{_LIST}|{_DONE})",
    (
        rf"\b(?:remove|delete|lose|erase|purge|scrub|forget|get rid of|take off|take out"
        rf"|block) {_THEM}(?<!\bit){_DONE}"
    ),
    rf"\b(?:take|get) (?:off|out) {_THEM}(?:{_DONE}|{_AWAY}{_LIST})",
    rf"\b(?:be|get|(?:have|want) (?:me|us|{_THEM})) {_TAKEN}{_AWAY}?(?:{_LIST}|{_DONE})",
    rf"\bwant (?:{_THEM} )?off(?:{_LIST}|$)",
    rf"\bget off{_LIST}",
    r"\bnot interested (?:please )?remove\b",
    r"\bopt(?:ing|ed)? (?:me |us )?out(?! of)\b",
    (
        r"\bopt(?:ing)? (?:me |us )?out of (?:\w+ ){0,3}?"
        r"(?:calls?|calling|messages|texts|lists?|this|these|it|communications?|marketing|everything"
        r"|telemarketing|receiving)\b"
    ),
    r"\bunsubscribe\b",
    # Leave me alone, and similar phrases.
    r"\bleave (?:me|us) alone\b",
    (
        rf"{_WANT_NOT}(?: (?:receive|get|have|take|accept|keep getting|be getting|hear|answer|receiving|getting))?"
        r"(?: (?:any|more|anymore|of|these|those|your|the|a|another|such|to|get|this|sales|phone|robo"
        r"|marketing|all|further|stupid"
        r"|unwanted))* (?:calls?|texts|messages)\b(?! to\b)"
    ),
    rf"{_WANT_NOT} be (?:called|contacted|phoned|rung|bothered|harassed|disturbed|texted|dialed)\b",
    (
        rf"{_WANT_NOT} (?:you|anyone|anybody|them|you guys|you people|your (?:company"
        rf"|people))(?: to)?(?: (?:be|ever|keep))* (?:{_DO}\b|{_DOING})"
    ),
    rf"{_WANT_NOT}(?: \w+){{0,5}} from you\b",
    (
        r"\bi (?:dont|do not) (?:like|appreciate) (?:these|those|your|all|getting|receiving|being|you"
        r"|it when you)(?: \w+){0,2} "
        r"(?:calls?|called|calling)\b"
    ),
    # Consent.
    (
        r"\b(?:revok|withdraw|rescind|retract|cancel|take back)(?:e|ing|ed)?(?: \w+){0,2} (?:consent"
        r"|permission|authorization)\b"
    ),
    (
        r"\bi (?:dont|do not|never|didnt|did not)(?: (?:give|gave))?(?: (?:you|my|any))* (?:consent"
        r"|permission|authorize)"
        r"(?=$|(?: (?:to|for|you))*(?: \w+){0,2} (?:call|calls|calling|contact|contacting|phone|being called)\b)"
    ),
    r"\byou (?:dont|do not|no longer) have(?: my| any| the)* (?:consent|permission|authorization)\b",
)
