"""The page on which a recipient stops mail. It needs no script, and shows nothing that anybody wrote."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


def ask() -> Response[str]:
    """The page that asks whether mail shall stop."""
    return _page(
        "Stop these e-mails?",
        "<p>You will get no more e-mails from the sender of the message that led you here.</p>"
        '<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">'
        '<button type="submit">Stop these e-mails</button></form>',
    )


def confirm() -> Response[str]:
    """The page that says that mail has stopped."""
    return _page("You get no more e-mails", "<p>The sender of that message can send you no more e-mails.</p>")


def _page(title: str, content: str) -> Response[str]:
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title></head><body><h1>{title}</h1>{content}</body></html>"
    )
    return Response(200, "text/html; charset=utf-8", html, _HEADERS)
