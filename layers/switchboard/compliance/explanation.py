"""Explains a verdict in sentences, one for each rule."""

from __future__ import annotations

from switchboard.compliance.verdicts import RuleResult, Verdict


def explain_verdict(verdict: Verdict) -> str:
    """Returns a verdict as plain text for operators."""
    what = "Call" if verdict.channel == "voice" else "Text"
    outcome = "allowed" if verdict.allowed else f"refused ({verdict.code})"
    lines = [f"{what} to number {verdict.number[:12]} of {verdict.org_id}: {outcome}, {verdict.evaluated_at}"]
    lines += [_line(position, result) for position, result in enumerate(verdict.rules, 1)]
    if verdict.timezones:
        lines.append(f"Recipient's zone: {' or '.join(verdict.timezones)}")
    if verdict.allowed_until:
        lines.append(f"Allowed until: {verdict.allowed_until}")
    if verdict.next_allowed_at:
        lines.append(f"Allowed again: {verdict.next_allowed_at}")
    return "\n".join(lines)


def _line(position: int, result: RuleResult) -> str:
    facts = {**{name: value for name, value in result.input.items() if name != "number"}, **result.details}
    shown = ", ".join(f"{name}={_text(value)}" for name, value in facts.items() if value not in (None, [], {}))
    head = f"{position}. {result.rule:<12} {result.result:<5} {result.reason} (as of {result.version})"
    return f"{head}\n   {shown}" if shown else head


def _text(value: object) -> str:
    if isinstance(value, list):
        return "|".join(map(str, value))
    if isinstance(value, dict):
        return "/".join(str(part) for part in value.values() if part is not None)
    return str(value)
