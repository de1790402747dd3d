"""Tells the provider where a number's calls and texts go."""

from __future__ import annotations

from datetime import timedelta

from switchboard import telemetry
from switchboard.aws.writes import commit
from switchboard.carriers.numbers import get_inventory, inventory_name
from switchboard.carriers.numbers.ports.inventory import NumberSettings
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.kit import clock, settings
from switchboard.numbers import store
from switchboard.numbers.jobs import ConfigureNumber
from switchboard.timers import service as timers

#: A path that API Gateway answers with an apology, without a function (`infra/topology.py`).
FALLBACK_PATH = "/twilio/fallback"
_PAUSE = timedelta(minutes=2)


def make_settings(number_id: str, friendly_name: str) -> NumberSettings:
    """Returns the settings of a number at its provider. Without the setting CALLBACKS_URL they have no URLs."""
    base = settings.text("CALLBACKS_URL", "").rstrip("/")
    if not base:
        return NumberSettings(friendly_name)
    voice = f"{base}/twilio/voice/{number_id}"
    return NumberSettings(
        friendly_name, voice, f"{voice}/status", f"{base}/twilio/sms/{number_id}", f"{base}{FALLBACK_PATH}"
    )


def configure_number(org_id: str, number_id: str) -> None:
    """Sends the name and the URLs of a number to its provider. It may run twice: the settings are the same."""
    number = store.NUMBERS.get_object(org_id, number_id)
    if number is None or not number.active:
        telemetry.log_skip("the number is gone", number_id=number_id)
        return
    if inventory_name() != number.provider:
        telemetry.log_skip("another provider has the number", number_id=number_id)
        return
    try:
        get_inventory().configure(org_id, number.sid, make_settings(number_id, number.friendly_name))
    except RefusedError as refused:
        # The next sync releases a number that the provider no longer has.
        telemetry.logger().warning("number not configured", extra={"number_id": number_id, "reason": str(refused)})
    except (ThrottledError, OutcomeUnknownError) as silent:
        telemetry.log_skip("the provider did not answer", number_id=number_id, error=str(silent))
        job = ConfigureNumber(org_id=org_id, number_id=number_id)
        commit(timers.schedule(job, clock.now() + _PAUSE).write)
