"""`/signed-out` and `/sign-in-failed`: the ends of a session and of a sign-in."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.portal.site import api, show_page


class SignInFailure(NamedTuple):
    """The reason why a sign-in failed, and the way on."""

    reason: str
    advice: str


#: The reasons by the code of the error (`switchboard/people/sign_in.py`).
_FAILURES = {
    "sign_in_expired": SignInFailure(
        "This sign-in is over: it took more than ten minutes, it was finished already, or it began in another browser.",
        "Sign in again. If you followed a link in a mail, open it in the browser in which you sign in.",
    ),
    "sign_in_refused": SignInFailure(
        "The sign-in service did not confirm who you are, or you canceled the sign-in.",
        "Sign in again. If it fails again, ask the person who invited you which address to use.",
    ),
    "service_unavailable": SignInFailure(
        "The sign-in service does not answer at the moment.", "Wait a few seconds, then sign in again."
    ),
    "rate_limited": SignInFailure(
        "There were too many requests from your network.", "Wait a minute, then sign in again."
    ),
    "invalid_request": SignInFailure(
        "The address of this sign-in is not complete, so the answer of the sign-in service cannot be read.",
        "Sign in again from the home page, and not from a bookmark.",
    ),
}
_UNKNOWN = SignInFailure(
    "Something went wrong on our side.", "Sign in again. If it fails again, tell us the request id."
)


@api.get("/signed-out", summary="Get the page after signing out", operation_id="signedOutPage", public=True)
def show_signed_out() -> Response[Any]:
    return show_page("signed_out.html", title="Signed out")


@api.get("/sign-in-failed", summary="Get the page of a failed sign-in", operation_id="signInFailedPage", public=True)
def show_sign_in_failed(
    reason: Annotated[str, Query(max_length=100)] = "", request_id: Annotated[str, Query(max_length=100)] = ""
) -> Response[Any]:
    failure = _FAILURES.get(reason, _UNKNOWN)
    return show_page("sign_in_failed.html", title="Sign-in failed", failure=failure, request_id=request_id)
