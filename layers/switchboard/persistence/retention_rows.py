"""How long each kind of item is kept, and what ends it: one row for each kind."""

from __future__ import annotations

from datetime import timedelta

from switchboard.persistence.retention import FIVE_YEARS, TEN_YEARS, ItemKind, RetentionEnd

_DAY = timedelta(days=1)
_TTL, _CHANGE, _ORG, _NEVER = RetentionEnd.TTL, RetentionEnd.CHANGE, RetentionEnd.ORGANIZATION, RetentionEnd.NEVER
_ACCOUNTS = "Shows who may call and who could. A revoked or expired key stays, because events name it."
_LEDGER = "It is valid by law until its holder says otherwise (47 CFR 64.1200), and a lawsuit needs the proof."
_TEAM = "It belongs to a person or an organization, and is deleted when the person leaves or is removed."
_CHAIN = "The audit chain has no gaps, and a hash of a deleted event proves nothing."
_CALL = "The organization's own history. Turns are the transcript."
_MAIL = "The organization's own mail, with the content."
_ROLEPLAY = "A learner's progress is computed from all of it."
_SEARCH = "It is deleted with its contact."
_SEARCH_ENTRY = "It is deleted with its contact. An entry of a call stays as long as the call."
_NOTE = "As long as its call, if nobody deletes the note."
_VIEWS = "The access log of the call, as long as the call."
_VOICEMAIL = "The organization's own history. A member may delete it, with its audio and its timeline."
_CAMPAIGN = "The organization's own history. It says to whom each text went, and why a row got none."
_CAMPAIGN_WORK = "It has times and numbers of recipients only."
_TEXTS = "The organization's own history of its texts."
_READ_STATE = "It shows the member what is new. It names the member by id only."
_VERSIONS = "Calls name the version with which they began, also after the flow is deleted."
_TALLY = "Reports compare years. It has numbers of calls, and nothing about people."
_FIRING = "It shows what another system sent, and which flows that started."
_COUNTERS = "Needed for the next write of the same kind."
KINDS: tuple[ItemKind, ...] = (
    # ---- accounts, agents, flows
    ItemKind(
        "core",
        "organization",
        "<org>|org",
        _NEVER,
        "A deleted organization keeps its name: the audit chain and invoices name it.",
    ),
    ItemKind("core", "gauges of an organization", "<org>|gauges", _ORG, _COUNTERS),
    ItemKind("core", "numbers of the keys of a kind", "<org>|made#<kind>", _ORG, _COUNTERS),
    ItemKind("core", "key", "<org>|key#<id>", _ORG, _ACCOUNTS),
    ItemKind("core", "look-up of a key", "key#<digest>|key", _ORG, _ACCOUNTS),
    ItemKind(
        "core", "look-up of an owner", "owner#<digest>|owner", _ORG, "An owner signs up for one organization only."
    ),
    ItemKind("core", "look-up of a slug", "slug#<slug>|slug", _CHANGE, "A rename frees it."),
    ItemKind("core", "agent", "<org>|agent#<id>", _ORG, _ACCOUNTS),
    ItemKind("core", "look-up of an inbox", "inbox#<address…>|inbox", _ORG, "An address is never given to another."),
    ItemKind("core", "flow", "<org>|flow#<id>", _ORG, "Calls name their flow."),
    ItemKind("core", "look-up of a provider's agent", "<org>|flow-agent#<id>", _ORG, "One flow at most has the agent."),
    ItemKind("core", "number of a flow's assignments", "<org>|flow-use#<id>", _CHANGE, "It is deleted with its flow."),
    ItemKind("core", "flow that transfers calls", "<org>#flow-transfers#<flow>|<id>", _CHANGE, "It follows its flow."),
    ItemKind("core", "flow that waits for events", "<org>#event-flows|<id>", _CHANGE, "It follows its flow."),
    ItemKind("core", "entry of a flow's version", "<org>#flow-versions#<flow>|<version>", _ORG, _VERSIONS),
    ItemKind("core", "snapshot of a flow's version", "<org>#flow-snapshots#<flow>|<version>", _ORG, _VERSIONS),
    ItemKind("core", "MCP server", "<org>#mcp-servers|<id>", _CHANGE, "The organization deletes it."),
    ItemKind("core", "tools of an MCP server", "<org>#mcp-tools#<server>|<part>", _CHANGE, "It follows its server."),
    ItemKind("core", "label of an MCP server", "<org>#mcp-labels|<label>", _CHANGE, "It follows its server."),
    ItemKind(
        "core",
        "deletion of an organization",
        "<org>#offboarding|deletion",
        _TTL,
        "It shows how far the deletion is, and later proves it.",
        TEN_YEARS,
        "its begin",
    ),
    ItemKind("core", "drills that are switched off", "<org>|drills", _ORG, "The tenant's own choice."),
    # ---- people and teams
    ItemKind("core", "person", "user#<id>|user", _NEVER, "Events name people by id."),
    ItemKind(
        "core", "look-up of a person", "identity#<digest>|identity", _NEVER, "The issuer's id identifies a person."
    ),
    ItemKind("core", "place of a person", "user#<id>|org#<org>", _CHANGE, _TEAM),
    ItemKind("core", "number of a person's places", "user#<id>|orgs", _NEVER, _COUNTERS),
    ItemKind("core", "member", "<org>|team#member#<id>", _CHANGE, _TEAM),
    ItemKind("core", "numbers of a team", "<org>|team", _ORG, _COUNTERS),
    ItemKind(
        "core",
        "invite",
        "<org>|team#invite#<id>",
        _CHANGE,
        "It is counted. It is deleted when it is accepted, declined or revoked. A later invite deletes an expired one.",
    ),
    ItemKind(
        "core",
        "open invite of an address, and its mails",
        "<org>|invited#<digest>",
        _TTL,
        "An invite is valid for seven days, and an address that declined gets no invite for seven days.",
        7 * _DAY,
        "the invite, or its refusal",
    ),
    ItemKind(
        "core",
        "look-up of an address' invite",
        "invitee#<digest>|<invite>",
        _TTL,
        "An invite is valid for seven days.",
        7 * _DAY,
        "the invite",
    ),
    ItemKind(
        "core",
        "invite mails of an organization on a day",
        "<org>|invite-mails#<day>",
        _TTL,
        "The limit is per day.",
        _DAY,
        "the day",
    ),
    ItemKind(
        "core",
        "invite mails of a mailbox on a day",
        "invitee#<digest>|mails#<day>",
        _TTL,
        "The limit is per day.",
        _DAY,
        "the day",
    ),
    # ---- compliance
    ItemKind("core", "blocked number", "<org>#dnc|<number>", _CHANGE, f"{_LEDGER} Unblocking deletes it."),
    ItemKind("core", "look-up of a blocked number", "<org>#dnc-ids|<id>", _CHANGE, "Deleted with the blocked number."),
    ItemKind(
        "core",
        "stops of an organization, and the mark of its cap",
        "<org>#stops#<copy>|org",
        _ORG,
        "A stop is removed from it when the organization is active or paid again.",
    ),
    ItemKind(
        "core",
        "stop of a key",
        "<org>#stops#<copy>|key#<id>",
        _TTL,
        "No accepted request of a key waits longer.",
        timedelta(days=100),
        "the key was revoked",
    ),
    ItemKind(
        "core",
        "number that opted out or in, by its digest",
        "<org>#numbers-of-digests|<digest>",
        _ORG,
        "Events have only the digest.",
    ),
    ItemKind("core", "opt-out", "<org>#opt-outs|<number>", _CHANGE, f"{_LEDGER} The holder's opt-in deletes it."),
    ItemKind("core", "latest end of an opt-out", "<org>#opt-ins|<number>", _ORG, _LEDGER),
    ItemKind("core", "consent", "<org>#consent|<number>", _ORG, _LEDGER),
    ItemKind(
        "core", "location of a number's holder", "<org>#whereabouts|<number>", _CHANGE, "Deleted with its contact."
    ),
    ItemKind(
        "core",
        "latest calls to a number",
        "<org>#attempts#<number>|<digest>",
        _TTL,
        "Some states limit the calls in 24 hours.",
        2 * _DAY,
        "the last of them",
    ),
    ItemKind(
        "core",
        "verdict",
        "<org>#verdict#<id>|<moment>",
        _TTL,
        "Shows why a call was allowed: people can sue for four years (28 U.S.C. 1658), and 16 CFR 310.5 asks for five.",
        FIVE_YEARS,
        "the verdict",
    ),
    ItemKind(
        "core", "operators' rows of law of a place", "law#<place>|rows", _NEVER, "They apply until they are removed."
    ),
    ItemKind("core", "place that has such rows", "law|<place>", _NEVER, "The operator's list of rows is made from it."),
    ItemKind(
        "core",
        "log entry of such a row",
        "law#<place>|log#<moment>#<what>#<id>",
        _NEVER,
        "Verdicts name the rows that they used.",
    ),
    ItemKind(
        "core",
        "answer of the Reassigned Numbers Database",
        "rnd#<number>|<day>",
        _TTL,
        "The database is updated monthly. The verdict keeps the answer.",
        30 * _DAY,
        "the answer",
    ),
    # ---- lanes and pace of calls
    *(
        ItemKind("core", what, keys, _TTL, "It has no use after the call was placed.", _DAY, "its last use")
        for what, keys in (
            ("lane", "<org>#lanes#<pool…>|lane#<number>"),
            ("call that waits for a lane", "<org>#lanes#<pool…>|wait#<place…>"),
            ("pace of an organization", "<org>#pace|org"),
            ("pace of an organization's number", "<org>#pace|number#<number>"),
            ("pace of a number shared by tenants", "pace#<number>|number"),
            ("pace of an account shared by tenants", "pace#account#<name>|number"),
        )
    ),
    ItemKind(
        "core",
        "mark that people call in",
        "<org>#lanes#<pool…>|callers",
        _TTL,
        "An organization keeps a lane for callers while people call.",
        30 * _DAY,
        "the last call in",
    ),
    # ---- numbers
    ItemKind(
        "core",
        "telephone number",
        "<org>#numbers|<id>",
        _ORG,
        "Calls name their number, also after its release. It holds the months of its rent.",
    ),
    ItemKind("core", "number of a flow", "<org>#flow-numbers#<flow>|<id>", _CHANGE, "It follows the number's flows."),
    ItemKind(
        "core",
        "purchase of a number",
        "<org>#number-purchases|<id>",
        _TTL,
        "It shows how a purchase ended. A purchase without an end stays.",
        30 * _DAY,
        "the end of the purchase",
    ),
    ItemKind("core", "look-up of a number's id", "number#<id>|number", _ORG, "Callbacks know the number's id only."),
    ItemKind("core", "look-up of a telephone number", "number-e164#<number>|number", _CHANGE, "A release deletes it."),
    ItemKind(
        "core", "number sold by the simulator", "<org>#simulated-numbers|<id>", _CHANGE, "Only on the local stack."
    ),
    ItemKind(
        "core", "look-up of such a number", "simulated-number#<number>|number", _CHANGE, "Deleted with the number."
    ),
    ItemKind("core", "subaccount at Twilio", "<org>|twilio", _ORG, "It owns the organization's numbers."),
    # ---- brands
    ItemKind("core", "brand with its campaign", "<org>|brand", _ORG, "The registry keeps the registration, too."),
    # ---- billing
    ItemKind("core", "billing account", "<org>#billing|<id>", _ORG, "It names the customer at the provider."),
    ItemKind("core", "look-up of a customer", "payment-customer#<customer…>|customer", _ORG, "Notifications name it."),
    ItemKind(
        "core",
        "applied notification of the provider of payments",
        "<org>#payment-events|<id…>",
        _TTL,
        "The provider repeats a notification for three days, and people can resend one for thirty.",
        35 * _DAY,
        "the notification",
    ),
    ItemKind("core", "reported use of a day", "<org>#use-reports|<day>#<meter…>", _ORG, "Invoices name its units."),
    ItemKind(
        "core", "customer of the simulated provider", "<org>#simulated-payments|<id>", _ORG, "Only where it is used."
    ),
    # ---- contacts
    ItemKind("core", "contact", "<org>#contacts|<id>", _CHANGE, "The organization keeps it until somebody deletes it."),
    ItemKind("core", "last backfill of contacts", "<org>#contact-backfill|backfill", _ORG, "The next one replaces it."),
    ItemKind("core", "search entry", "<org>#find#contact#<letter…>|<token…>#<id>#<part>", _CHANGE, _SEARCH_ENTRY),
    ItemKind("core", "entry of a call", "<org>#find#call#<letter…>|<token…>#<time>#<id>", _CHANGE, _SEARCH_ENTRY),
    ItemKind("core", "entry of a number", "<org>#find#call#<letter…>|<token…>~<id…>", _CHANGE, _SEARCH_ENTRY),
    ItemKind("core", "tokens that are indexed", "<org>#tail#<noun>|<id>", _CHANGE, _SEARCH),
    ItemKind("core", "history of a number", "<org>#history|<id>", _ORG, "It counts calls, also without a contact."),
    ItemKind("core", "number of calls", "<org>#known-numbers|<id>", _ORG, "Calls are found by it."),
    ItemKind("core", "call of a number", "<org>#calls-of#<id>|<place…>", _ORG, "As long as its call."),
    ItemKind("core", "tag of an organization", "<org>#call-tags|<tag…>", _CHANGE, "Deleted with its last call."),
    # ---- analytics
    ItemKind("core", "fact of a call", "<org>#call-facts|<place…>", _ORG, "As long as its call: a tally is their sum."),
    ItemKind("core", "numbers of flows and outcomes", "<org>#tallies|names", _ORG, "Tallies name them by number."),
    ItemKind("core", "tally of an organization", "<org>#tallies|<unit>#<period>", _ORG, _TALLY),
    ItemKind("core", "lines of flows in a tally", "<org>#tallies|<unit>#<period>#<group>", _ORG, _TALLY),
    ItemKind("core", "tally of a flow", "<org>#tallies#<flow>|<unit>#<period>", _ORG, _TALLY),
    ItemKind("core", "tally of texts of a day", "<org>#text-tallies#<month>|<day>#<kind>#<slice>", _ORG, _TALLY),
    ItemKind("core", "tally of texts of a month", "<org>#tallies|<unit>#<month>#<kind>#<slice>", _ORG, _TALLY),
    # ---- inboxes
    ItemKind("core", "counted thing of an inbox", "<org>#inbox#<kind>|<place…>", _CHANGE, "Deleted with the thing."),
    ItemKind(
        "core", "removed thing of an inbox", "<org>#inbox-removed#<kind>|<place…>", _ORG, "It is never counted again."
    ),
    ItemKind("core", "counts of an inbox", "<org>#inbox-counts|<kind>#<digits…>", _ORG, _COUNTERS),
    ItemKind("core", "read state of a member", "<org>#inbox-members#<kind>|<user>", _ORG, _READ_STATE),
    ItemKind("core", "flag of a read thing", "<org>#inbox-flags#<kind>#<user>|read#<place…>", _CHANGE, _READ_STATE),
    ItemKind(
        "core", "flag of an unread thing", "<org>#inbox-flags#<kind>#<user>|unread#<place…>", _CHANGE, _READ_STATE
    ),
    ItemKind(
        "core",
        "event that a projection has counted",
        "<org>#projected#<projection>|<subject…>#<event>",
        _TTL,
        "A repeated event must be recognized until it is too old to count. Clearing the projection deletes it.",
        35 * _DAY,
        "the counting",
    ),
    ItemKind(
        "core",
        "clearing of a projection",
        "<org>#projections|<projection>",
        _TTL,
        "So long a replay may count old events again.",
        30 * _DAY,
        "the clearing",
    ),
    # ---- usage
    ItemKind("core", "use in a month", "<org>#usage#<month>|total", _ORG, "Bills are computed from it."),
    ItemKind(
        "core", "slice of a month's use", "<org>#usage#<month>|slice#<number>", _ORG, "Bills are computed from it."
    ),
    ItemKind("core", "count of a month", "<org>#usage#<month>|count#<number>", _ORG, "Bills are computed from it."),
    *(
        ItemKind("core", what, keys, _TTL, "The limit is per day. The other days answer questions.", 35 * _DAY, "use")
        for what, keys in (
            ("use in a day", "<org>#usage#<day>|total"),
            ("slice of a day's use", "<org>#usage#<day>|slice#<number>"),
            ("use of a key in a day", "<org>#usage#<day>#<key>|total"),
            ("use by a contact in a day", "<org>#usage#<day>#contact#<digest>|total"),
            ("slice of a key's use in a day", "<org>#usage#<day>#<key>|slice#<number>"),
            ("use and reservations of widgets in a day", "<org>#usage#<day>#reserved#<purpose>|total"),
        )
    ),
    # ---- mail
    ItemKind(
        "core",
        "suppressed address",
        "<org>#suppressed|<digest>",
        _ORG,
        "The address bounced, complained or unsubscribed.",
    ),
    ItemKind(
        "core",
        "mailbox that gets no mail of the platform's own",
        "suppressed#<digest>|suppressed",
        _NEVER,
        "The mailbox complained, so it never gets mail again. The item holds only a digest.",
    ),
    ItemKind(
        "core",
        "bounce of the platform's own mail",
        "suppressed#<digest>|bounced",
        _TTL,
        "The address gets no mail meanwhile. Somebody else may own the address later.",
        180 * _DAY,
        "the bounce",
    ),
    ItemKind("activity", "mail", "<org>#message#<id>|message", _ORG, _MAIL),
    ItemKind("activity", "content of a mail", "<org>#message#<id>|content", _ORG, _MAIL),
    ItemKind("activity", "delivery report of a recipient", "<org>#message#<id>|to#<digest>", _ORG, _MAIL),
    ItemKind("activity", "look-up of a Message-ID", "<org>#message-id#<digest>|message-id", _ORG, _MAIL),
    ItemKind("activity", "mark of a received mail", "<org>#received#<agent>#<digest>|received", _ORG, _MAIL),
    # ---- webhooks
    ItemKind("core", "webhook", "<org>#webhooks|<id>", _CHANGE, "The organization keeps it until somebody deletes it."),
    ItemKind("core", "number of webhooks at a host", "<org>#webhook-hosts|<digest>", _ORG, "It is a limit."),
    ItemKind(
        "core",
        "first attempts at a host in a minute",
        "<org>#webhook-hosts|<digest>#<minute>",
        _TTL,
        "It is a limit of the minute.",
        _DAY / 24,
        "the begin of the minute",
    ),
    ItemKind(
        "core",
        "endpoint of a callback",
        "<org>#callback#<id>|endpoint",
        _TTL,
        "Calls name it, and their callbacks can be resent for 30 days.",
        90 * _DAY,
        "the last call that named it",
    ),
    ItemKind(
        "core",
        "health of an endpoint",
        "<org>#webhook#<id>|health",
        _TTL,
        "It has the time of the next attempt, as long as deliveries exist.",
        30 * _DAY,
        "its last change",
    ),
    ItemKind(
        "activity",
        "attempt that waits for its receiver",
        "<org>#parked#<id>|<place…>",
        _TTL,
        "The attempt deletes it. The TTL is for items that a fault left behind.",
        30 * _DAY,
        "it was parked",
    ),
    ItemKind(
        "activity",
        "delivery",
        "<org>#delivery#<id>|delivery",
        _TTL,
        "It can be resent by hand until then. The event stays.",
        30 * _DAY,
        "its end",
    ),
    # ---- events and the audit chain
    ItemKind("activity", "event", "<org>#chain#<workflow…>|<event>", _ORG, _CHAIN),
    ItemKind("activity", "receipt of an event", "<org>#chain#<workflow…>|<event>#seal", _ORG, _CHAIN),
    ItemKind("activity", "places of a workflow", "<org>#chain#<workflow…>|seal#<seq>", _ORG, _CHAIN),
    ItemKind("activity", "head of the chain", "<org>#audit|head", _ORG, _CHAIN),
    ItemKind("activity", "link of the chain", "<org>#audit#<block>|<seq>", _ORG, _CHAIN),
    # ---- calls
    ItemKind("activity", "call", "<org>#call#<id>|call", _ORG, _CALL),
    ItemKind("activity", "texts of a call", "<org>#call#<id>|texts", _ORG, _CALL),
    ItemKind("activity", "turn of a call", "<org>#call#<id>|turn#<number>", _ORG, _CALL),
    ItemKind("activity", "use of a tool in a call", "<org>#call#<id>|tool#<id…>", _ORG, _CALL),
    ItemKind("activity", "summary of a call", "<org>#call#<id>|summary", _ORG, _CALL),
    ItemKind(
        "activity",
        "latest call of a flow to a number",
        "<org>#latest-call#<flow>|<digest>",
        _TTL,
        "It keeps a flow from calling a number twice by mistake.",
        timedelta(minutes=5),
        "the call",
    ),
    ItemKind("activity", "note on a call", "<org>#call#<id>|note#<id>", _CHANGE, _NOTE),
    ItemKind("activity", "look-up of a note", "<org>#note#<id>|note", _CHANGE, _NOTE),
    ItemKind("activity", "latest view of a call by a member", "<org>#call#<id>|view#<user>", _ORG, _VIEWS),
    ItemKind("activity", "view of a call", "<org>#call#<id>|viewed#<time…>", _ORG, _VIEWS),
    ItemKind(
        "activity",
        "simulated call, at its provider",
        "<org>#simulated-call#<id>|leg",
        _TTL,
        "The simulated provider can be asked for its calls until then.",
        _DAY,
        "it was placed",
    ),
    ItemKind(
        "activity",
        "talk of a simulated call",
        "<org>#simulated-call#<id>|talk",
        _TTL,
        "As long as its call.",
        _DAY,
        "it was placed",
    ),
    ItemKind(
        "activity",
        "simulated caller",
        "<org>#simulated-call#<id>|caller",
        _TTL,
        "The simulated provider can be asked for its calls until then.",
        _DAY,
        "its last step",
    ),
    ItemKind(
        "activity",
        "recording of a simulated caller",
        "<org>#simulated-call#<id>|recording#<recording>",
        _TTL,
        "Our worker fetches it within minutes.",
        _DAY,
        "it was made",
    ),
    ItemKind(
        "activity", "look-up of a `request_id`", "<org>#request#<mode>#<id…>|request", _ORG, "As long as its call."
    ),
    # ---- widgets
    ItemKind("core", "widget token", "<org>#widget-tokens|<id>", _ORG, "Sessions and leads name it."),
    ItemKind(
        "core", "look-up of a widget's key", "widget-key#<key>|token", _ORG, "A key is never given to another token."
    ),
    ItemKind("activity", "session of a widget", "<org>#widget-session#<id>|session", _ORG, "As long as its call."),
    ItemKind(
        "activity",
        "lead of a widget",
        "<org>#widget-leads#<token>|<id>",
        _CHANGE,
        "A member deletes it, or a timer after the `lead_retention_days` of its token, with its copy in the call.",
    ),
    # ---- voicemails
    ItemKind("activity", "voicemail", "<org>#voicemail#<id>|voicemail", _CHANGE, _VOICEMAIL),
    ItemKind(
        "activity",
        "entry of a voicemail's timeline",
        "<org>#voicemail#<id>|timeline#<time…>",
        _CHANGE,
        "It is deleted with its voicemail.",
    ),
    ItemKind(
        "activity",
        "latest view or play of a voicemail by a member",
        "<org>#voicemail#<id>|last#<kind>#<user>",
        _CHANGE,
        "It is deleted with its voicemail.",
    ),
    # ---- texts
    ItemKind("activity", "conversation of texts", "<org>#conversation#<id>|conversation", _ORG, _TEXTS),
    ItemKind("activity", "text", "<org>#conversation#<id>|message#<id>", _ORG, _TEXTS),
    ItemKind(
        "activity",
        "text that came in, by the carrier's id",
        "<org>#conversation#<id>|sid#<sid>",
        _ORG,
        "The carrier may report a text again at any time.",
    ),
    ItemKind(
        "activity", "entry of a conversation's activity", "<org>#conversation#<id>|activity#<time…>", _ORG, _TEXTS
    ),
    ItemKind("activity", "scheduled text", "<org>#scheduled-text#<id>|scheduled", _ORG, _TEXTS),
    # ---- triggers
    ItemKind("core", "trigger", "<org>#triggers|<id>", _CHANGE, "It is deleted by a member."),
    ItemKind("core", "tally of a trigger", "<org>#trigger-tallies|<id>", _CHANGE, "It is deleted with its trigger."),
    ItemKind(
        "core",
        "look-up of a trigger's token",
        "trigger_token#<digest>|token",
        _CHANGE,
        "It is deleted with its trigger. That of a rotated token is deleted by a later rotation.",
    ),
    ItemKind(
        "activity", "firing", "<org>#firings#<trigger>|<id>", _TTL, _FIRING, timedelta(days=30), "the event was fired"
    ),
    ItemKind(
        "activity",
        "pace of the flows that events start",
        "<org>#event-starts|pace",
        _TTL,
        "It has no use after the starts.",
        _DAY,
        "its last use",
    ),
    ItemKind(
        "activity",
        "body of a firing",
        "<org>#firing-bodies#<id>|body",
        _TTL,
        _FIRING,
        timedelta(days=30),
        "the event was fired",
    ),
    # ---- campaigns
    ItemKind("core", "campaign", "<org>#campaign#<id>|campaign", _ORG, _CAMPAIGN),
    ItemKind("core", "counts of a campaign", "<org>#campaign-counts|<campaign>#<slice>", _ORG, _CAMPAIGN),
    ItemKind("core", "pace of a campaign", "<org>#campaign#<id>#pace|pace", _ORG, _CAMPAIGN_WORK),
    ItemKind("core", "look at the failures of a campaign", "<org>#campaign#<id>#pace|health", _ORG, _CAMPAIGN_WORK),
    ItemKind("core", "recipient of a campaign", "<org>#campaign#<id>#recipients#<part>|<index>", _ORG, _CAMPAIGN),
    ItemKind(
        "core",
        "number of a recipient",
        "<org>#campaign#<id>#numbers#<part>|<e164>",
        _ORG,
        "A paused campaign may get more rows, and texts nobody twice.",
    ),
    ItemKind(
        "core",
        "recipient that quiet hours put off",
        "<org>#campaign#<id>#due#<shard>|<time…>",
        _CHANGE,
        "It is deleted when its time comes.",
    ),
    ItemKind("core", "batch of recipients", "<org>#campaign#<id>#batches|batch#<id>", _ORG, _CAMPAIGN),
    ItemKind("core", "problem of a row", "<org>#campaign#<id>#batches|problem#<id>#<row>", _ORG, _CAMPAIGN),
    ItemKind(
        "core",
        "pace of the texts of a number",
        "<org>#text-pace|<number>",
        _TTL,
        "It has no use after the text was sent.",
        _DAY,
        "its last use",
    ),
    ItemKind(
        "activity",
        "submission at the simulated registry",
        "<org>#simulated-registration|<part>",
        _TTL,
        "The simulated registry can be asked for its verdict until then.",
        timedelta(days=30),
        "it was submitted",
    ),
    ItemKind(
        "activity",
        "text at the simulated carrier",
        "<org>#simulated-text#<id>|text",
        _TTL,
        "The simulated carrier can be asked for its texts until then.",
        _DAY,
        "it was handed over",
    ),
    ItemKind(
        "activity",
        "answers of a simulated person",
        "<org>#simulated-text#<id>|person",
        _TTL,
        "They limit the answers to a machine.",
        _DAY,
        "the person's first answer",
    ),
    ItemKind("core", "state of the AI in a conversation", "<org>#replies#<conversation>|state", _ORG, _COUNTERS),
    ItemKind(
        "core",
        "text that a turn of the AI has sent",
        "<org>#replies#<conversation>|sent#<text>#<part>",
        _TTL,
        "A job that is delivered again must not send it again.",
        30 * _DAY,
        "the text",
    ),
    ItemKind(
        "core",
        "round of tools in a turn of the AI",
        "<org>#replies#<conversation>|turn#<turn>#<round>#calls",
        _TTL,
        "A turn that is repeated goes on after it. It has arguments of tools, which may name people.",
        30 * _DAY,
        "the round",
    ),
    ItemKind(
        "core",
        "use of a tool in a turn of the AI",
        "<org>#replies#<conversation>|turn#<turn>#<round>#use#<place>",
        _TTL,
        "A turn that is repeated must not run the tool again. It has the result, which may name people.",
        30 * _DAY,
        "the use",
    ),
    ItemKind(
        "activity",
        "approval of a tool",
        "<org>#tool-approval#<id>|approval",
        _TTL,
        "It has arguments and results of tools, which may name people. The audit keeps who decided.",
        90 * _DAY,
        "the request",
    ),
    # ---- roleplays
    ItemKind("activity", "roleplay session", "<org>#session#<id>|session", _ORG, "The month's quota counts it."),
    ItemKind("activity", "roleplay", "<org>#roleplay#<id>|call", _ORG, _ROLEPLAY),
    ItemKind("activity", "turn of a roleplay", "<org>#roleplay#<id>|turn#<number>", _ORG, _ROLEPLAY),
    ItemKind("activity", "score", "<org>#roleplay#<id>|score", _ORG, _ROLEPLAY),
    # ---- lists, jobs and timers
    ItemKind("activity", "entry of a list", "<org>#list#<list…>|<place…>", _CHANGE, "Deleted with the listed object."),
    ItemKind(
        "activity",
        "job of the next 15 minutes",
        "<owner>#outbox#<id>|job",
        _TTL,
        "The stream has sent it to its queue. It stays for questions.",
        _DAY,
        "its time",
    ),
    ItemKind(
        "activity", "timer", "timer#<minute…>#<shard>|<due>#<id>", _CHANGE, "Deleted when it fires or is canceled."
    ),
    ItemKind(
        "activity",
        "dead timer",
        "timers#dead|<when>#<id>",
        _CHANGE,
        "An operator fires or drops it (`switchboard timer`). An alarm reports it.",
    ),
    ItemKind("activity", "last minute whose timers were sent", "timers|watermark", _NEVER, _COUNTERS),
    # ---- requests
    ItemKind(
        "idempotency",
        "effect of a request",
        "effect#<actor…>",
        _TTL,
        "The Anima contract: a key is valid for 24 hours.",
        _DAY,
        "the request",
    ),
    ItemKind(
        "idempotency",
        "response to a request",
        "switchboard#<digest>",
        _TTL,
        "The Anima contract: a key is valid for 24 hours.",
        _DAY,
        "the request",
    ),
    ItemKind(
        "sessions",
        "session",
        "session#<digest>",
        _TTL,
        "People sign in again after a week.",
        7 * _DAY,
        "the sign-in",
    ),
    ItemKind(
        "sessions",
        "sign-in in progress",
        "sign-in#<digest>",
        _TTL,
        "A slower person starts again.",
        timedelta(minutes=10),
        "its start",
    ),
    ItemKind(
        "ratelimit",
        "open streams of an organization",
        "streams#<org>",
        _TTL,
        "A lease expires by itself.",
        timedelta(minutes=1),
        "the last lease",
    ),
    ItemKind(
        "ratelimit",
        "places of a pool of streams",
        "stream-pool#<pool…>#<number>",
        _TTL,
        "A lease expires by itself.",
        timedelta(minutes=1),
        "the last lease",
    ),
    ItemKind(
        "ratelimit",
        "requests of a minute",
        "<bucket…>#<minute>",
        _TTL,
        "The limits are per minute or shorter.",
        timedelta(minutes=1),
        "the minute",
    ),
)


def kinds_of(table: str, key: str) -> list[ItemKind]:
    """The kinds that match an item's key: exactly one, if every kind has its row."""
    return [kind for kind in KINDS if kind.matches(table, key)]
