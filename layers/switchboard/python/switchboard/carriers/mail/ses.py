"""Amazon SES.

The raw interface is used because it alone carries the threading headers as they are. Our id travels as a message tag,
which SES sends back with every notification and strips from the mail.
"""

from __future__ import annotations

from switchboard.aws import session, settings
from switchboard.carriers.mail import Outbound, OutcomeUnknown, Refused, Throttled

ORG_TAG, MESSAGE_TAG = "switchboard-org", "switchboard-message"

_THROTTLED = frozenset({"Throttling", "ThrottlingException", "TooManyRequestsException", "LimitExceededException"})
#: Answers after which nothing was sent, and nothing would be at another try.
_REFUSED = frozenset(
    {
        "AccountSendingPausedException",
        "ConfigurationSetDoesNotExist",
        "ConfigurationSetSendingPausedException",
        "InvalidParameterValue",
        "MailFromDomainNotVerifiedException",
        "MessageRejected",
        "ValidationError",
    }
)


class SesCarrier:
    """Sends through SES' SendRawEmail."""

    def send(self, outbound: Outbound) -> str:
        tags = f"X-SES-MESSAGE-TAGS: {ORG_TAG}={outbound.org_id}, {MESSAGE_TAG}={outbound.message_id}\r\n"
        configuration = settings.text("SES_CONFIGURATION_SET", "")
        try:
            answer = session.client("ses").send_raw_email(
                Source=outbound.sender,
                Destinations=outbound.recipients,
                RawMessage={"Data": tags.encode() + outbound.content},
                **({"ConfigurationSetName": configuration} if configuration else {}),
            )
        except session.ClientError as error:
            code = session.error_code(error)
            if code in _THROTTLED:
                raise Throttled(code) from error
            if code in _REFUSED:
                raise Refused(str(error.response["Error"].get("Message", code))) from error
            raise OutcomeUnknown(code) from error
        except session.NOT_REACHED as error:
            raise Throttled(type(error).__name__) from error
        except session.BotoCoreError as error:
            raise OutcomeUnknown(type(error).__name__) from error
        return message_id(answer["MessageId"])


def message_id(ses_id: str) -> str:
    """The Message-ID, without brackets, under which SES sends a mail that it gave this id."""
    if "@" in ses_id:
        return ses_id
    region = session.client("ses").meta.region_name
    host = "email.amazonses.com" if region == "us-east-1" else f"{region}.amazonses.com"
    return f"{ses_id}@{host}"
