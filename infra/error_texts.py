"""The texts of the pages about error codes: what a code means, why it happens, and what to do.

The key is the last part of the page's address: the code in lower case, with hyphens. APIs that share a code share its
meaning. `infra/error_pages.py` adds the statuses and examples.
"""

from __future__ import annotations

from typing import NamedTuple


class ErrorText(NamedTuple):
    """The text of a page about an error code."""

    meaning: str
    why: str
    advice: str


_BLOCKED = "`details` names the rule (`gate`) and its reason. The verdict is kept in the audit chain."

TEXTS: dict[str, ErrorText] = {
    # The request
    "validation-error": ErrorText(
        "The request is not valid.",
        "A field, a parameter, a header or the JSON itself does not match the operation's document.",
        "Read `details.fields`, which names each wrong field and its problem. Correct the fields, then try again.",
    ),
    "invalid-request": ErrorText(
        "The request is not valid.",
        "A field, a parameter, a header or the path does not match the API's document.",
        "Read the message and the details: they name each wrong field. Correct the fields, then try again.",
    ),
    "invalid-json": ErrorText(
        "The body is not valid JSON.",
        "The text has a syntax error, an unknown encoding, or a name that occurs twice.",
        "Check the body with a JSON parser, and send it as UTF-8 with `Content-Type: application/json`.",
    ),
    "invalid-action": ErrorText(
        "The action is unknown, or the request does not belong to this API.",
        "The body has no `action`, its action is unknown, or the path or the method is wrong.",
        "Send a POST to `/functions/v1/external-api` with the action `initiate_call` or `check_status`.",
    ),
    "missing-fields": ErrorText(
        "A required field is missing, or a field has a wrong value.",
        "`initiate_call` needs `agent_id` and `phone_number`. URLs must begin with `https://`.",
        "Read the message, which names each field. Add or correct it.",
    ),
    "missing-call-id": ErrorText(
        "The request does not say which call it means.",
        "`check_status` needs `call_id`, or the `request_id` of the call.",
        "Send the `call_id` of the response to `initiate_call`.",
    ),
    "invalid-phone-format": ErrorText(
        "The telephone number is not valid.",
        "The number is not in E.164 form, or no such number can exist.",
        "Send a plus sign, the country code and the number, for example `+14155550142`.",
    ),
    "method-not-allowed": ErrorText(
        "The path exists, but does not support this method.",
        "For example, a client sends a POST to a path that only supports GET.",
        "Use a method of the header `Allow`.",
    ),
    "payload-too-large": ErrorText(
        "The body is too large.",
        "An API accepts 1 MB of JSON. Uploads have their own limits, which the operation's document names.",
        "Send less at once, or a smaller file.",
    ),
    "unsupported-media-type": ErrorText(
        "The body has a type that the operation does not support.",
        "The header `Content-Type` is missing or names another type than the document.",
        "Send `Content-Type: application/json`, or the type that the operation's document names.",
    ),
    "invalid-idempotency-key": ErrorText(
        "The header `Idempotency-Key` is not valid.",
        "A key has 1 to 255 printable ASCII characters.",
        "Send a random UUID for each operation, and the same one when you retry it.",
    ),
    "idempotency-body-mismatch": ErrorText(
        "The `Idempotency-Key` was used for another request.",
        "A key belongs to one method, path, query and body for 24 hours.",
        "Use a new key for a new request. Use the old key only to retry exactly the same request.",
    ),
    # Credentials and rights
    "unauthorized": ErrorText(
        "The request has no valid credential.",
        "The key or session is missing, malformed, unknown, expired or revoked, or belongs to another API.",
        "Anima: send `Authorization: Bearer ak_…`. HUM: sign in again, because the session has ended.",
    ),
    "missing-api-key": ErrorText(
        "The request has no API key.",
        "The header `X-API-Key` is missing or empty.",
        "Send your key in the header `X-API-Key`.",
    ),
    "invalid-api-key-format": ErrorText(
        "The API key is malformed.",
        "It is cut off, has a typing error, or is a key of another API.",
        "Copy the whole key again. OptiComm's keys begin with `sk_live_` or `sk_test_`.",
    ),
    "invalid-api-key": ErrorText(
        "The API key is not known.",
        "It is missing, was never issued, was deleted, or belongs to another stage or API.",
        "Check the key and the address of the API. Create a new key if the key is lost.",
    ),
    "api-key-expired": ErrorText(
        "The API key has expired.",
        "The key was created with an end date, which has passed.",
        "Create a new key, and replace the old one in your back end.",
    ),
    "api-key-revoked": ErrorText(
        "The API key was revoked, or it has expired.",
        "Somebody of your organization revoked the key, or its end date has passed.",
        "Use a current key.",
    ),
    "ip-not-allowed": ErrorText(
        "The key must not be used from this IP address.",
        "The key is restricted to some addresses, and this request came from another one.",
        "Send the request from a permitted address, or change the key's restrictions.",
    ),
    "permission-denied": ErrorText(
        "The key has no permission for this action.",
        "The key is restricted to some actions, or the organization is suspended.",
        "Use a key with the permission, or ask the owner of the key to add it.",
    ),
    "master-key-required": ErrorText(
        "This operation requires the organization's master key.",
        "An agent key may act only for its own agent.",
        "Send the request with an `mk_…` or `sk_…` key.",
    ),
    "agent-not-allowed": ErrorText(
        "The key must not use this agent.",
        "The key is restricted to some agents.",
        "Use an agent of the key's list, or another key.",
    ),
    "forbidden": ErrorText(
        "You are known, but you have no right to do this.",
        "Your role or key does not include this operation, your organization is not active, or a rule forbids it.",
        "Read the message. Ask an admin of your organization for the right, or use another key.",
    ),
    "tenant-inactive": ErrorText(
        "Your organization is not active.",
        "It was suspended, or its subscription has ended.",
        "Ask the platform's operator to activate it.",
    ),
    "invalid-token": ErrorText(
        "The session token is not valid.",
        "It is malformed, was changed, or was signed for another stage.",
        "Mint a new token with `POST /api/external/v1/session`.",
    ),
    "token-expired": ErrorText(
        "The session token has expired.",
        "A token must be redeemed within the time that the response to its creation names.",
        "Mint a new token immediately before the person begins.",
    ),
    "token-already-used": ErrorText(
        "The session token was redeemed already.",
        "A token opens one session.",
        "Mint a new token for each session.",
    ),
    # Objects and their state
    "not-found": ErrorText(
        "The path or the object does not exist.",
        "The id has a typing error, the object was deleted, or it belongs to another organization.",
        "Check the path and the id. List the objects to find the id.",
    ),
    "agent-not-found": ErrorText(
        "The organization has no agent with this id.",
        "The id has a typing error, or belongs to another organization.",
        "Check `agent_id`. Your organization's agents are its flows for outbound calls.",
    ),
    "call-not-found": ErrorText(
        "The organization has no such call.",
        "The id has a typing error, or the call belongs to another organization.",
        "Use the id of the response that began the call.",
    ),
    "drill-not-found": ErrorText(
        "There is no drill with this key.",
        "`drillKey` has a typing error.",
        "Use a key of the list of drills, with a new token.",
    ),
    "conflict": ErrorText(
        "The change conflicts with the current state.",
        "The object exists already, has changed meanwhile, is in use, or its state does not permit the change.",
        "Read the message and `code` or `details.reason`. Fetch the object again, then decide.",
    ),
    # Limits
    "rate-limit": ErrorText(
        "There were too many requests in this minute.",
        "Your plan permits a number of requests per minute, of all keys of the organization together.",
        "Wait for the seconds of the header `Retry-After`. Spread your requests, or choose a larger plan.",
    ),
    "rate-limit-per-second": ErrorText(
        "There were too many requests in this second.",
        "Your plan permits a number of requests per second, of all keys of the organization together.",
        "Wait a second, then try again. Send fewer requests in parallel.",
    ),
    "rate-limited": ErrorText(
        "There were too many requests.",
        "A person, an organization or an address has a number of requests per minute and per second.",
        "Wait for the seconds of the header `Retry-After`.",
    ),
    "rate-limit-exceeded": ErrorText(
        "There were too many requests.",
        "A key has a number of requests per minute, 60 if nothing else was agreed.",
        "Wait for the seconds of `retry_after`.",
    ),
    "payment-required": ErrorText(
        "A quota of the plan, or your own spending cap, is reached.",
        "`details` names the resource, its current value and its cap. With a cap of 0 the plan does not include it.",
        "Wait until the quota begins again, raise the cap, or choose a larger plan.",
    ),
    "plan-limit": ErrorText(
        "A quota of the plan, or the organization's own spending cap, is reached.",
        "`details` names the resource, its current value and its cap.",
        "Wait until the quota begins again, raise the cap, or choose a larger plan under Billing.",
    ),
    "daily-limit-exceeded": ErrorText(
        "The organization may start no more calls at the moment.",
        "The plan's daily cap, its monthly quota, or the organization's own cap is reached, or a bill is unpaid.",
        "Wait for the seconds of `retry_after`, raise the cap, or choose a larger plan.",
    ),
    "tenant-quota-exceeded": ErrorText(
        "The organization may begin no more sessions at the moment.",
        "The plan's quota or the organization's own cap is reached.",
        "Wait until the quota begins again, or choose a larger plan.",
    ),
    # The compliance gate, and people who do not want to be contacted
    "tcpa-gate-blocked": ErrorText(
        "A compliance rule blocked the call.",
        "The person is on a do-not-call list, opted out, gave no sufficient consent, or was called too often. "
        + _BLOCKED,
        "Do not call the person, or record a valid consent first.",
    ),
    "rnd-gate-blocked": ErrorText(
        "A compliance rule blocked the call: the number may have a new owner.",
        "The registry of reassigned numbers says so, or it could not be asked. " + _BLOCKED,
        "Ask the person for a new consent, or try again later if the registry did not answer.",
    ),
    "quiet-hours-blocked": ErrorText(
        "A compliance rule blocked the call: it is too early or too late where the person may be.",
        "Calling hours follow the law of each place where the number may be. " + _BLOCKED,
        "Call again at `details.nextAllowedAt`.",
    ),
    "phone-on-dnc": ErrorText(
        "The number must not be called.",
        "It is on the organization's blocklist or a national do-not-call list, or its owner opted out.",
        "Remove the number from your list of calls.",
    ),
    "opted-out": ErrorText(
        "The person has opted out of texts.",
        "The person sent STOP, or a member recorded the wish.",
        "Do not text this number. The person can opt in again with START.",
    ),
    "recipient-suppressed": ErrorText(
        "The address must not get mail.",
        "An earlier mail bounced, or its recipient complained or unsubscribed.",
        "Remove the address from your list. Send to another address.",
    ),
    # Our side
    "call-failed": ErrorText(
        "The call could not be started.",
        "Calls are switched off for the organization, it has no carrier or caller id, or the carrier is down.",
        "Read the message. Try again later if the carrier does not answer.",
    ),
    "service-unavailable": ErrorText(
        "The service is not available for a moment.",
        "A part of the service or a provider does not answer, or there are too many requests.",
        "Wait for the seconds of the header `Retry-After`, then send the same request again.",
    ),
    "internal-error": ErrorText(
        "Something went wrong on our side.",
        "The request found a fault of the service. It was recorded.",
        "Send the same request again, with the same `Idempotency-Key`. If it fails again, tell us the request id.",
    ),
}
