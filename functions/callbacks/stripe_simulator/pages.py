"""The simulator's pages: checkout and portal. They need no script. A policy allows their own style only."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from http import HTTPStatus
from urllib.parse import urlsplit

from aws_lambda_powertools.event_handler import Response

from switchboard.carriers.payments.simulator.models import (
    PRICES_CENTS,
    SimulatedAccount,
    SimulatedCheckout,
    SimulatedPortal,
    SimulatedSubscription,
)

_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;"
    "background:#fff}button,select{font:inherit;padding:.4rem .8rem;margin:.2rem .4rem .2rem 0}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem;border-bottom:1px solid #8c959f}"
    "[role=alert]{border-left:.3rem solid #b42318;padding-left:.6rem}"
    ":root{color-scheme:light dark}@media (prefers-color-scheme:dark){body{color:#e6e8eb;background:#101418}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_DELIVERY = (
    '<p><label for="delivery">Notifications arrive</label> <select id="delivery" name="delivery">'
    '<option value="once">once, in order</option><option value="twice">twice</option>'
    '<option value="reversed">in reversed order</option></select></p>'
)
_TEST = "<p>This is a simulated page for tests. No money moves.</p>"
_DECLINED = '<p role="alert">The card was declined. Use another card.</p>'


def render_checkout(page: SimulatedCheckout, *, declined: bool = False) -> Response[str]:
    """Returns a page for paying."""
    content = _TEST + (_DECLINED if declined else "")
    if page.is_open:
        content += (
            f"<p>The plan <strong>{escape(page.plan)}</strong>: {_dollars(PRICES_CENTS[page.plan])} a month.</p>"
            f'<form method="post">{_DELIVERY}{_button("pay", "Pay")}'
            f"{_button('decline', 'Pay with a failing card')}{_button('cancel', 'Cancel')}</form>"
        )
    else:
        content += "<p>This page is closed.</p>"
    return _page("Subscribe", content, leads_to=(page.success_url, page.cancel_url))


def render_portal(account: SimulatedAccount, page: SimulatedPortal, *, refused: bool = False) -> Response[str]:
    """Returns the portal."""
    content = _TEST
    if refused:
        content += '<p role="alert">Nothing has changed: the subscription does not allow this now.</p>'
    live = [one for one in account.subscriptions if one.status != "canceled"]
    content += "".join(map(_subscription_of, live)) or "<p>There is no subscription.</p>"
    card = "works" if account.card_works else "is declined"
    content += (
        f'<h2>Card</h2><p>The card {card}.</p><form method="post">{_DELIVERY}'
        f"{_button('good_card', 'Use a card that works')}{_button('failing_card', 'Use a card that fails')}</form>"
        f"<h2>Invoices</h2>{_invoices_of(account)}"
        f'<form method="post">{_DELIVERY}{_button("void", "Void the open invoices")}'
        f"{_dispute_of(account)}</form>"
        f'<p><a href="{escape(page.return_url)}">Return</a></p>'
    )
    return _page("Billing portal", content, leads_to=())


def redirect(url: str) -> Response[str]:
    """Returns the redirect to a page of ours after a form."""
    return Response(HTTPStatus.SEE_OTHER, "text/plain", "", {"Location": url, "Cache-Control": "no-store"})


def _subscription_of(found: SimulatedSubscription) -> str:
    plans = "".join(
        f'<option value="{plan}"{" selected" if plan == found.plan else ""}>{plan}, {_dollars(cents)}</option>'
        for plan, cents in PRICES_CENTS.items()
    )
    end = "It ends with this period." if found.cancel_at_period_end else "It renews."
    turn = (
        _button("resume", "Resume") if found.cancel_at_period_end else _button("cancel", "Cancel at the period's end")
    )
    return (
        f"<h2>Subscription</h2><p>The plan <strong>{escape(found.plan)}</strong> is {escape(found.status)} until "
        f'{escape(found.period_end[:10])}. {end}</p><form method="post">{_DELIVERY}<p><label for="plan">Plan</label> '
        f'<select id="plan" name="plan">{plans}</select>{_button("plan", "Change plan")}</p>{turn}</form>'
        f'<h2>Time</h2><form method="post">{_DELIVERY}{_button("next_month", "Begin the next month")}'
        f"{_button('end', 'End the subscription now')}</form>"
    )


def _dispute_of(account: SimulatedAccount) -> str:
    if account.disputed:
        return _button("win", "Decide the dispute for the seller")
    return _button("dispute", "Dispute the last payment")


def _invoices_of(account: SimulatedAccount) -> str:
    rows = "".join(
        f"<tr><td>{escape(one.created_at[:10])}</td><td>{escape(one.what)}</td><td>{_dollars(one.amount_cents)}</td>"
        f"<td>{one.status}</td></tr>"
        for one in reversed(account.invoices)
    )
    head = "<tr><th>Day</th><th>For</th><th>Amount</th><th>Status</th></tr>"
    return f"<table>{head}{rows}</table>" if rows else "<p>There is no invoice.</p>"


def _button(action: str, text: str) -> str:
    return f'<button type="submit" name="action" value="{action}">{escape(text)}</button>'


def _dollars(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}${abs(cents) / 100:,.2f}"


def _page(title: str, content: str, leads_to: Iterable[str]) -> Response[str]:
    # Browsers apply `form-action` to the redirect after a form, too.
    targets = " ".join(sorted({"{0.scheme}://{0.netloc}".format(urlsplit(url)) for url in leads_to}))
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self' {targets}; base-uri 'none';"
        " frame-ancestors 'none'"
    )
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main><h1>{title}</h1>{content}</main></body></html>"
    )
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Referrer-Policy": "same-origin",
        "X-Robots-Tag": "noindex",
    }
    return Response(HTTPStatus.OK, "text/html; charset=utf-8", html, headers)
