"""The text that the local stack prints when it is ready."""

from __future__ import annotations

import shutil

_NO_CURL = "\nThe commands need curl, which this machine does not have. The pages at {url}/docs send requests too.\n"
_GUIDE = """
Switchboard is up, {seconds} s after the start. {stopped_by} stops it and keeps its data.

  Anima      {url}/v1
  OptiComm   {url}/functions/v1
  Athos      {url}/api/external/v1
  HUM        {url}/api
  Home       {url}
  Docs       {url}/docs
  Widget     {url}/docs/widget-demo?key={WIDGET_KEY}
  Sent mail  {url}/local/mail, files in {home}/mail
  Inbound    smtp://localhost:{smtp} for demo@{domain} and all other agents
  Logs       {home}/functions.log; `make logs` shows all logs, `make status` what runs

Keys of the demo organization (also in {home}/demo.env):
  agent   {ANIMA_AGENT_KEY}
  master  {ANIMA_MASTER_KEY}

Send a mail (Anima):
  curl -s {url}/v1/email/send -H 'Authorization: Bearer {ANIMA_AGENT_KEY}' \\
    -H 'Content-Type: application/json' -H 'x-correlation-id: tour-1' \\
    -d '{{"to":"you@example.com","subject":"Hello","body":"From an agent."}}'
Read its audit chain (Anima):
  curl -s '{url}/v1/audit/events?correlation_id=tour-1' -H 'Authorization: Bearer {ANIMA_AGENT_KEY}'
Write to the demo agent, and list its received messages (Anima):
  printf 'From: you@example.com\\nTo: demo@{domain}\\nSubject: Hello\\n\\nFrom a person.\\n' | \\
    curl -s smtp://localhost:{smtp} --mail-from you@example.com --mail-rcpt demo@{domain} -T -
  curl -s '{url}/v1/email/messages?direction=INBOUND' -H 'Authorization: Bearer {ANIMA_AGENT_KEY}'
Start a call with the demo caller, and read its status (OptiComm; a test key makes no real call):
  curl -s {url}/functions/v1/external-api -H 'X-API-Key: {OPTICOMM_TEST_KEY}' -H 'Content-Type: application/json' \\
    -d '{{"action":"initiate_call","agent_id":"{OPTICOMM_AGENT_ID}","phone_number":"+14155550142",
         "variables":{{"customer_name":"Ada","order_id":"1815"}},"request_id":"tour-1"}}'
  curl -s {url}/functions/v1/external-api -H 'X-API-Key: {OPTICOMM_TEST_KEY}' -H 'Content-Type: application/json' \\
    -d '{{"action":"check_status","request_id":"tour-1"}}'
Practice a call, and read its score a minute later (Athos; the rep is simulated too):
  TOKEN=$(curl -s {url}/api/external/v1/session -H 'Authorization: Bearer {ATHOS_KEY}' \\
    -H 'Content-Type: application/json' -d '{{"externalUserId":"rep_1"}}' | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')
  CALL=$(curl -s {url}/api/external/v1/roleplay/session -H "Authorization: Bearer $TOKEN" \\
    -H 'Content-Type: application/json' -d '{{"drillKey":"ma-full-sale"}}' | sed 's/.*"callId":"\\([^"]*\\)".*/\\1/')
  sleep 60; curl -s {url}/api/external/v1/calls/$CALL -H 'Authorization: Bearer {ATHOS_KEY}'
Sign in to the console at {url}/console: the local OpenID provider ({issuer}) accepts any address without a
password. Ada (ada@demo.example) is the demo's admin, Vic (vic@demo.example) can only read. Or use HUM as Ada:
  curl -s {url}/api/me -H 'Cookie: bh_hum_session={HUM_SESSION}'
  curl -s {url}/api/contacts -H 'Cookie: bh_hum_session={HUM_SESSION}' -H 'Content-Type: application/json' \\
    -d '{{"e164":"+1 415 555 0142","display_name":"Grace Hopper","notes":"prefers mornings"}}'
  curl -s '{url}/api/contacts?q=hop' -H 'Cookie: bh_hum_session={HUM_SESSION}'
"""


def write_guide(**facts: object) -> str:
    """The guide with the addresses and keys of a stack."""
    return (_GUIDE + ("" if shutil.which("curl") else _NO_CURL)).format(**facts)
