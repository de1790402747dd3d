"""The rules for the settings that let an event from outside start a flow."""

from __future__ import annotations

from switchboard.events import external_names
from switchboard.flows import event_paths
from switchboard.flows.models import FlowSettings

#: The most filters of a flow.
MAX_EVENTS = 20
#: The settings that decide together whether an event can start the flow.
EVENT_FIELDS = frozenset({"kind", "greeting", "channel", "trigger_type", "trigger_events", "trigger_target"})


def find_event_problems(settings: FlowSettings) -> dict[str, str]:
    """Returns the problem of each setting that is not valid."""
    found: dict[str, str] = {}
    if len(settings.trigger_events) > MAX_EVENTS:
        found["trigger_events"] = f"has more than {MAX_EVENTS} events: use filters such as external.github.*"
    elif not all(map(external_names.is_filter, settings.trigger_events)):
        found["trigger_events"] = "must have names such as external.github.push, or filters such as external.github.*"
    if settings.trigger_target is not None:
        try:
            event_paths.parse_path(settings.trigger_target)
        except ValueError as error:
            found["trigger_target"] = str(error)
    if settings.trigger_type != "event":
        return found
    if not settings.trigger_events:
        found["trigger_events"] = "must have an event, because trigger_type is event: for example external.github.push"
    if settings.channel == "voice" and settings.kind != "outbound":
        found["kind"] = "must be outbound, because an event starts a call of the flow: or use the channel sms"
    if settings.channel == "sms" and not settings.greeting.strip():
        found["greeting"] = "must be the text that the event sends, because the channel is sms"
    return found
