"""Notices of AWS's services that are about no mail: the real handlers let them go, and count what they cannot read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.callbacks.email.handler import handler as inbound_mail
from functions.workers.email_events.handler import handler as email_events
from functions.workers.text_reports.handler import handler as text_reports
from functions.workers.voice_events.handler import handler as voice_events
from tests.unit.test_workers import make_record

pytestmark = pytest.mark.usefixtures("cloud")

#: SES publishes this text to a topic when the topic becomes a destination of events.
VALIDATED = "Successfully validated SNS topic for Amazon SES event publishing."
#: S3 sends this to a queue or a topic when it becomes a destination of notices.
TEST_EVENT = {
    "Service": "Amazon S3",
    "Event": "s3:TestEvent",
    "Time": "2026-06-01T00:00:00.000Z",
    "Bucket": "inbound-mail",
    "RequestId": "5582815E1AEA5ADF",
    "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR",
}
READERS = [
    pytest.param(inbound_mail, id="inbound-mail"),
    pytest.param(email_events, id="email-events"),
    pytest.param(voice_events, id="voice-events"),
    pytest.param(text_reports, id="text-reports"),
]


@pytest.mark.parametrize("text", [VALIDATED, "", "[]", '"text"', "{"])
@pytest.mark.parametrize("handler", READERS)
def test_a_text_that_is_no_object_is_counted_and_let_go(
    handler: Any, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert handler({"Records": [make_record(text)]}, None) == {"batchItemFailures": []}
    counted = [line for line in capsys.readouterr().out.splitlines() if "MessageUnreadable" in line]
    assert len(counted) == 1, "an alarm watches the count, since a real message may have been lost"


@pytest.mark.parametrize("handler", READERS[:2])
def test_a_test_event_of_s3_is_let_go(handler: Any) -> None:
    assert handler({"Records": [make_record(TEST_EVENT)]}, None) == {"batchItemFailures": []}


def test_a_text_does_not_stop_the_other_messages_of_its_batch(capsys: pytest.CaptureFixture[str]) -> None:
    about_no_mail = {"eventType": "Send", "mail": {"messageId": "m-1", "tags": {}}}
    records = [make_record(VALIDATED, 1), make_record(about_no_mail, 2)]
    assert email_events({"Records": records}, None) == {"batchItemFailures": []}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert [name for line in lines for name in line if name.startswith("Ma")] == ["MailNotificationWithoutTags"]
