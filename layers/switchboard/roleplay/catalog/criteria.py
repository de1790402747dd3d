"""The criteria of the rubrics.

Some criteria come from Medicare's marketing rules: 42 CFR 422.2262 (misleading claims), 422.2264 (scope of
appointment), 422.2267(e)(41) (disclaimer of agents who do not sell all plans), 422.2274(g) (recording). They are for
training and are not legal advice. A criterion of a published drill never changes. A better version gets a new key.
"""

from __future__ import annotations

from switchboard.roleplay.catalog.models import Criterion

INTRODUCTION = Criterion(
    "introduction", "Introduction", 8,
    "Give your name, the agency you work for and the reason of the call in your first sentences.",
    (
        r"\bmy name is\b|\bthis is \w+ (?:with|from)\b",
        r"\b(?:licensed|agency|agent with)\b",
        r"\b(?:calling|here) (?:about|to|because)\b",
    ),
    needed=3, within=2,
)  # fmt: skip
RECORDING = Criterion(
    "recording", "Recorded line", 6,
    "Say early that the call is recorded.",
    (r"\brecorded\b",),
    within=3,
)  # fmt: skip
DISCLAIMER = Criterion(
    "disclaimer", "Plan disclaimer", 10,
    "Say that you do not offer every plan in the area, and where to hear of all of them.",
    (r"\bdo(?:n't| not) offer every plan\b", r"\bmedicare\.gov\b|\b1-800-medicare\b"),
    needed=2,
)  # fmt: skip
SCOPE = Criterion(
    "scope", "Scope of appointment", 8,
    "Agree what will be talked about, and get a yes, before you talk about any plan.",
    (r"\bscope of appointment\b", r"\b(?:all right|okay|comfortable) (?:with you|if|to)\b|\byour permission\b"),
    needed=2,
)  # fmt: skip
RAPPORT = Criterion(
    "rapport", "Rapport", 5,
    "Show interest in the person before you ask for facts.",
    (r"\bhow (?:are you|has your)\b|\bthank you for (?:taking|making)\b|\btell me a little about\b",),
)  # fmt: skip
DOCTORS = Criterion(
    "doctors", "Doctors and hospitals", 10,
    "Ask which doctors, specialists and hospitals the person wants to keep.",
    (r"\b(?:which|what|who)\b[^.?!]*\b(?:doctors?|specialists?|hospitals?)\b[^.?!]*\?",),
)  # fmt: skip
DRUGS = Criterion(
    "drugs", "Prescriptions", 10,
    "Ask for every prescription, its dose, and the pharmacy.",
    (
        r"\b(?:which|what|any)\b[^.?!]*\b(?:prescriptions?|medications?|medicines?)\b[^.?!]*\?",
        r"\b(?:dose|dosage|how often)\b",
        r"\bpharmacy\b",
    ),
    needed=3,
)  # fmt: skip
PRIORITIES = Criterion(
    "priorities", "What matters most", 8,
    "Ask what the person likes and dislikes of the present coverage, and what matters most.",
    (r"\bmatters? (?:the )?most\b|\bmost important\b", r"\b(?:like|dislike|change) about\b"),
    needed=2,
)  # fmt: skip
ELIGIBILITY = Criterion(
    "eligibility", "Eligibility", 10,
    "Confirm Medicare Part A and Part B, and ask about Medicaid or Extra Help.",
    (r"\bpart a and (?:part )?b\b", r"\bmedicaid\b|\bextra help\b"),
    needed=2,
)  # fmt: skip
ELECTION = Criterion(
    "election", "Election period", 10,
    "Establish which enrollment period applies: ask about moves, lost coverage and retirement.",
    (r"\benrollment period\b", r"\bmoved\b", r"\blost\b[^.?!]*\bcoverage\b|\bretired?\b"),
    needed=3,
)  # fmt: skip
TURNING_65 = Criterion(
    "turning-65", "Turning 65", 12,
    "Explain the seven months of the initial enrollment period, and ask about coverage by an employer.",
    (r"\binitial enrollment period\b", r"\bthree months (?:before|after)\b", r"\bemployer\b"),
    needed=3,
)  # fmt: skip
PRESENTATION = Criterion(
    "presentation", "Plan presentation", 14,
    "Present premium, copays, the out-of-pocket limit and the network, in plain words.",
    (r"\bpremium\b", r"\bcopays?\b", r"\bout-of-pocket\b", r"\bnetwork\b"),
    needed=4,
)  # fmt: skip
TIED_BACK = Criterion(
    "tied-back", "Tied to the person's needs", 8,
    "Tie each benefit to something that the person told you.",
    (r"\b(?:you (?:told|mentioned|said)|as you said)\b",),
)  # fmt: skip
CHECKED = Criterion(
    "checked", "Understanding checked", 6,
    "Ask whether what you explained makes sense before you go on.",
    (r"\bdoes (?:that|this) make sense\b|\bwhat questions do you have\b",),
)  # fmt: skip
ACKNOWLEDGED = Criterion(
    "acknowledged", "Concern acknowledged", 10,
    "Show that you heard the concern before you answer it.",
    (r"\bi (?:understand|hear you|appreciate)\b|\bthat is a fair\b|\bmakes sense that you\b",),
)  # fmt: skip
EXPLORED = Criterion(
    "explored", "Concern explored", 10,
    "Ask what lies behind a concern before you answer it.",
    (r"\b(?:can|could) you tell me (?:more|what)\b|\bwhat (?:exactly )?(?:worries|concerns) you\b",),
)  # fmt: skip
RESOLVED = Criterion(
    "resolved", "Concern resolved", 12,
    "Answer with a fact, and ask whether that settles it.",
    (r"\bhere is (?:what|how)\b|\bthe fact is\b", r"\bdoes that (?:settle|answer|help)\b"),
    needed=2,
)  # fmt: skip
CLOSE = Criterion(
    "close", "Asking for the decision", 12,
    "Ask for the decision in clear words, once the questions are answered.",
    (r"\b(?:shall we|would you like to|are you ready to) (?:go ahead|enroll|apply|get started)\b",),
)  # fmt: skip
RECAP = Criterion(
    "recap", "Recap and next steps", 8,
    "Say when coverage begins, what comes by mail, and how to reach you.",
    (r"\b(?:coverage|it) (?:begins|starts)\b", r"\bin the mail\b", r"\b(?:reach|call) me\b"),
    needed=3,
)  # fmt: skip
SUPPLEMENT = Criterion(
    "supplement", "How a supplement works", 14,
    "Explain what Medicare leaves to pay, what a supplement pays of it, and that it goes with any doctor.",
    (r"\bsupplement\b", r"\btwenty percent\b|\b20 percent\b", r"\bany doctor\b"),
    needed=3,
)  # fmt: skip
UNDERWRITING = Criterion(
    "underwriting", "Underwriting", 10,
    "Ask the health questions where they apply, and explain when they do not.",
    (r"\bhealth questions\b", r"\bguaranteed issue\b|\bopen enrollment\b"),
    needed=2,
)  # fmt: skip
FINAL_WISHES = Criterion(
    "final-wishes", "Final wishes", 12,
    "Ask, gently, what is wished for and who would have to pay for it today.",
    (r"\b(?:burial|cremation|funeral)\b[^.?!]*\?", r"\bwho would\b"),
    needed=2,
)  # fmt: skip
BUDGET = Criterion(
    "budget", "Budget", 10,
    "Find the monthly amount that the person can keep up.",
    (r"\b(?:each|a|per) month\b[^.?!]*\?", r"\bcomfortabl[ey]\b"),
    needed=2,
)  # fmt: skip
INSURABILITY = Criterion(
    "insurability", "Health and tobacco", 8,
    "Ask about tobacco, and about conditions and treatments.",
    (r"\btobacco\b", r"\b(?:diagnosed|treated)\b"),
    needed=2,
)  # fmt: skip
BENEFICIARY = Criterion(
    "beneficiary", "Beneficiary", 8,
    "Ask who the beneficiary is to be, and what it is meant to pay.",
    (r"\bbeneficiary\b",),
)  # fmt: skip
HOUSEHOLD = Criterion(
    "household", "Household and income", 12,
    "Ask for the size of the household and the income that is expected this year.",
    (r"\bhousehold\b", r"\bincome\b"),
    needed=2,
)  # fmt: skip
TAX_CREDIT = Criterion(
    "tax-credit", "Tax credit", 10,
    "Explain the premium tax credit, and that it is settled with the tax return.",
    (r"\btax credit\b", r"\btax return\b"),
    needed=2,
)  # fmt: skip
METALS = Criterion(
    "metals", "Levels of cover", 12,
    "Compare levels by deductible and premium, not by premium alone.",
    (r"\b(?:bronze|silver|gold)\b", r"\bdeductible\b", r"\bpremium\b"),
    needed=3,
)  # fmt: skip
HOME_CARE = Criterion(
    "home-care", "How home care cover works", 12,
    "Explain that it pays for help at home while the person recovers, for how long, and that it is paid by the day.",
    (r"\bhome health (?:care|aide)\b", r"\brecover(?:y|ing|s)?\b", r"\b(?:a|per|each) day\b"),
    needed=3,
)  # fmt: skip
HOSPITAL_CASH = Criterion(
    "hospital-cash", "How hospital indemnity works", 12,
    "Explain that it pays a fixed amount for each day in the hospital, to the person and not to the hospital.",
    (r"\bhospital indemnity\b", r"\b(?:a|per|each) day\b", r"\bpa(?:id|ys) (?:it )?(?:straight |directly )?to you\b"),
    needed=3,
)  # fmt: skip
LUMP_SUM = Criterion(
    "lump-sum", "How critical illness cover works", 12,
    "Explain that it pays once, at the diagnosis, and for which illnesses.",
    (r"\bcritical illness\b", r"\blump sum\b", r"\b(?:cancer|heart attack|stroke)\b"),
    needed=3,
)  # fmt: skip
GAP = Criterion(
    "gap", "What the plan leaves to pay", 10,
    "Show in the person's own figures what the plan leaves to pay, before you offer anything for it.",
    (r"\bleaves you\b|\byou would (?:still )?pay\b", r"\b(?:copay|deductible|hospital stay)\b"),
    needed=2,
)  # fmt: skip
BRIDGE = Criterion(
    "bridge", "Permission for another subject", 8,
    "Finish the first subject, then ask whether you may bring up another: it is a choice, and no part of the plan.",
    (r"\bmay i (?:show|tell|ask) you\b|\bwould it be all right\b", r"\bseparate\b"),
    needed=2,
)  # fmt: skip
STEP_UP = Criterion(
    "step-up", "What more costs and brings", 10,
    "Say what the higher benefit pays more, and what it costs more each month.",
    (r"\bhigher benefit\b", r"\bmore (?:a|each|per) month\b"),
    needed=2,
)  # fmt: skip
STEP_DOWN = Criterion(
    "step-down", "A smaller benefit instead of none", 10,
    "When the price is too high, offer a smaller benefit, and say plainly what is given up.",
    (r"\b(?:smaller|lower) benefit\b", r"\bgive up\b|\binstead of\b"),
    needed=2,
)  # fmt: skip
PRESSURE = Criterion(
    "pressure", "No pressure, no false claims", 15,
    "Never call a plan free or the government's, and never hurry anybody.",
    (
        r"\b(?:is|a) (?:totally |completely )?free\b",
        r"\bgovernment (?:plan|program|wants|sent)\b",
        r"\b(?:lose|losing) your (?:benefits|medicare)\b",
        r"\b(?:only|just) (?:good )?today\b|\blast chance\b|\bsign (?:it )?now\b",
    ),
    forbidden=True,
)  # fmt: skip
