"""A sign-in that fails in a browser leads to a page with the reason. Other clients get JSON."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from switchboard.edge.exchange import Request
from switchboard.edge.landing import is_opened_by_person, relative_root

#: The portal's page.
_PAGE = "sign-in-failed"


def redirect_failure(event: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Returns the function's response, or for a failure in a browser a redirect to the page with the reason."""
    request = Request(event, "")
    if answer["statusCode"] < HTTPStatus.BAD_REQUEST or not is_opened_by_person(request):
        return answer
    facts = {"reason": json.loads(answer["body"])["code"], "request_id": answer["headers"]["x-request-id"]}
    place = f"{relative_root(request.path)}{_PAGE}?{urlencode(facts)}"
    headers = {name: value for name, value in answer["headers"].items() if name != "content-type"}
    return {**answer, "statusCode": HTTPStatus.FOUND.value, "headers": {**headers, "location": place}, "body": ""}
