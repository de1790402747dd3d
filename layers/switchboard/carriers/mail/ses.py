"""Sends mail through Amazon SES.

The adapter uses the raw interface, because only this interface keeps the threading headers unchanged. Our ids are
message tags. SES returns the tags in every notification and removes them from the mail.
"""

from __future__ import annotations

from switchboard.aws import clients
from switchboard.carriers.mail import OutcomeUnknownError, OutgoingMail, RefusedError, ThrottledError
from switchboard.kit import settings

ORG_TAG, MESSAGE_TAG = "switchboard-org", "switchboard-message"

_THROTTLED = frozenset({"Throttling", "ThrottlingException", "TooManyRequestsException", "LimitExceededException"})
#: Errors after which nothing was sent and a retry would fail too.
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
    """Sends through SES's SendRawEmail."""

    def send(self, outbound: OutgoingMail) -> str:
        tags = f"X-SES-MESSAGE-TAGS: {ORG_TAG}={outbound.org_id}, {MESSAGE_TAG}={outbound.message_id}\r\n"
        configuration = settings.text("SES_CONFIGURATION_SET", "")
        try:
            answer = clients.get_client("ses").send_raw_email(
                Source=outbound.sender,
                Destinations=outbound.recipients,
                RawMessage={"Data": tags.encode() + outbound.content},
                **({"ConfigurationSetName": configuration} if configuration else {}),
            )
        except clients.ClientError as error:
            code = clients.error_code(error)
            if code in _THROTTLED:
                raise ThrottledError(code) from error
            if code in _REFUSED:
                raise RefusedError(str(error.response["Error"].get("Message", code))) from error
            raise OutcomeUnknownError(code) from error
        except clients.NOT_REACHED_ERRORS as error:
            raise ThrottledError(type(error).__name__) from error
        except clients.BotoCoreError as error:
            raise OutcomeUnknownError(type(error).__name__) from error
        return message_id_of(answer["MessageId"])


def message_id_of(ses_id: str) -> str:
    """Returns the Message-ID, without brackets, that SES gives to a mail with this SES id."""
    if "@" in ses_id:
        return ses_id
    region = clients.get_client("ses").meta.region_name
    host = "email.amazonses.com" if region == "us-east-1" else f"{region}.amazonses.com"
    return f"{ses_id}@{host}"
