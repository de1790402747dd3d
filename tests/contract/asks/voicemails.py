"""Requests for voicemails."""

from __future__ import annotations

from tests.contract.console import Console
from tests.contract.world import Ask
from tests.unit.voicemails.desk import save_voicemail


def _voicemail(org: Console, below: str = "") -> str:
    made = save_voicemail(org.org_id, text="Please call me back about the invoice.")
    return f"/api/voicemails/{made.id}{below}"


GOOD = {
    "listVoicemails": lambda _: Ask("GET", "/api/voicemails"),
    "markAllVoicemailsRead": lambda _: Ask("POST", "/api/voicemails/mark-all-read"),
    "getVoicemail": lambda org: Ask("GET", _voicemail(org)),
    "updateVoicemail": lambda org: Ask("PATCH", _voicemail(org), {"is_read": True}),
    "deleteVoicemail": lambda org: Ask("DELETE", _voicemail(org)),
    "recordVoicemailView": lambda org: Ask("POST", _voicemail(org, "/view")),
    "recordVoicemailPlay": lambda org: Ask("POST", _voicemail(org, "/play")),
    "logVoicemailAction": lambda org: Ask(
        "POST", _voicemail(org, "/actions"), {"kind": "returned_call", "note": "Moved to Monday."}
    ),
    "regenerateVoicemailSummary": lambda org: Ask("POST", _voicemail(org, "/summarize")),
}
