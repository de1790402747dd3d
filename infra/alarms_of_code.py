"""The alarms on metrics of our code, and the metrics that are figures only.

Each `telemetry.emit_metric` of the layer is in one of the two tables: what nobody looks at is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Watched:
    """A metric that rings above a number of counts within some minutes."""

    metric: str
    means: str
    above: float = 0
    minutes: int = 1
    periods: int = 1
    #: The AWS service, for the metrics of requests to AWS.
    service: str | None = None
    everywhere: bool = False


CODE = {
    "jobs-fail": Watched("JobFailed", "Jobs of workers fail, and are tried again.", 10, 5, 2, everywhere=True),
    "requests-fail": Watched("UnhandledError", "A request met a fault of the code.", everywhere=True),
    "stream-records-fail": Watched("StreamRecordFailed", "The fan-out cannot send, and tries again.", 10, 5),
    "messages-unreadable": Watched("MessageUnreadable", "A provider's message could not be read and was let go."),
    "timers-dead": Watched("TimerDead", "A timer failed eight times and was set aside.", everywhere=True),
    "outbox-unreadable": Watched("OutboxUnreadable", "The fan-out skipped an item of the outbox.", everywhere=True),
    # Requests to AWS, also those that were tried again with success.
    "tables-throttled": Watched("AwsThrottled", "DynamoDB throttles a table or an item.", 100, 5, service="dynamodb"),
    "tables-fail": Watched("AwsFailed", "DynamoDB fails.", 20, 5, service="dynamodb", everywhere=True),
    "queues-fail": Watched("AwsFailed", "SQS fails.", 20, 5, service="sqs"),
    "mail-throttled": Watched("AwsThrottled", "SES accepts less mail than is sent. Mails wait.", 100, 5, service="ses"),
    "models-throttled": Watched(
        "AwsThrottled", "Bedrock throttles. Scores and summaries wait.", 50, 5, service="bedrock-runtime"
    ),
    "models-fail": Watched("AwsFailed", "Bedrock fails.", 10, 5, service="bedrock-runtime"),
    "rate-limiter-down": Watched("RateLimiterDown", "The limits of requests cannot be read. Requests pass.", 5, 5),
    "rate-limiter-throttled": Watched("RateLimiterThrottled", "The counters of limits are throttled.", 50, 5),
    "stream-limiter-down": Watched("StreamLimiterDown", "The places of live streams cannot be read.", 5, 5),
    # Deferrals that take too long.
    "mails-wait": Watched("MailStillQueued", "Mails wait for longer than they should.", 20, 15),
    "mails-unconfirmed": Watched("MailUnconfirmed", "SES did not say whether it took mails.", 10, 60),
    "calls-unconfirmed": Watched("CallUnconfirmed", "The carrier did not say whether it placed calls.", 10, 60),
    "texts-unconfirmed": Watched("TextUnconfirmed", "The carrier did not say whether it took texts.", 10, 60),
    "payments-unavailable": Watched("PaymentsUnavailable", "The provider of payments does not answer.", 5, 15),
    "registry-silent": Watched("RegistryOutcomeUnknown", "The registry of brands does not answer.", 3, 60),
    "registrations-overdue": Watched("RegistrationOverdue", "The registry has not decided for too long.", 0, 60),
    "number-purchases-pending": Watched("NumberPurchasePending", "It is unknown whether numbers were bought.", 10, 60),
    # Work that was given up.
    "scoring-given-up": Watched("ScoringGivenUp", "A roleplay was not scored in time.", 0, 60),
    "webhooks-not-dispatched": Watched("WebhookNotDispatched", "An event was not sent to a webhook."),
    "webhook-jobs-lost": Watched("WebhookJobLost", "Deliveries had lost their jobs. They were queued again."),
    "text-files-lost": Watched("TextMediaLost", "Files of texts were not stored.", 3, 60),
    "recordings-lost": Watched("RecordingLost", "A recording was given up. The provider still has it."),
    "recordings-not-forgotten": Watched("RecordingNotForgotten", "The provider still keeps a recording."),
    "transcripts-not-forgotten": Watched("TranscriptNotForgotten", "The recognizer still keeps a transcript."),
    "language-model-refused": Watched("LanguageModelRefused", "The language model refuses the requests."),
    "language-model-unusable": Watched("LanguageModelAnswerUnusable", "Answers of the model have no form.", 20, 60),
    "gate-answers-not-kept": Watched("ReassignedAnswerNotKept", "Calls are refused: their proof was not stored.", 3, 5),
    "use-reports-failed": Watched("UseReportFailed", "Use may not be billed."),
    "subscriptions-unreadable": Watched("SubscriptionUnreadable", "The provider does not tell a subscription."),
    "payments-disputed": Watched("PaymentDisputed", "A customer disputes a payment."),
    "invoices-not-finalized": Watched("InvoiceNotFinalized", "An invoice cannot be issued."),
    "deletions-blocked": Watched("OffboardingBlocked", "The deletion of an organization cannot end something."),
    "numbers-not-registered": Watched("NumberNotRegistered", "The registry does not add a number."),
    "registry-status-unknown": Watched("RegistryStatusUnknown", "The registry answers with an unknown status."),
    # The schedule counts every hour, so the alarm stays until the review is done.
    "law-review-overdue": Watched("LawReviewOverdue", "A row of law must be reviewed.", 0, 120),
}

#: Metrics that nobody must act on: the dashboard of an account may show them.
FIGURES = frozenset(
    {
        *("CallOutcomeUnknown", "MailOutcomeUnknown", "TextOutcomeUnknown", "NumberPurchaseUnknown"),
        *("CallPutOff", "CallWaits", "TextPutOff", "TextThrottled", "WebhookPutOff", "RegistryThrottled"),
        *("KeyUseNotNoted", "SessionUseNotNoted", "UsageSquareContended"),
        *("MailFeedback", "MailForUnknownInbox", "MailNoticeIgnored", "MailNoticeUnmatched"),
        *("MailNotificationIgnored", "MailNotificationWithoutTags", "MailReceived", "MailReceivedTwice"),
        *("RepliesStopped", "ScoringIncomplete", "ScoringRefused", "SummaryWithoutModel", "SystemMailSuppressed"),
        *("StreamBuffered", "TextReleased", "TimerRefused", "TimersFired"),
        *("WebhookAttempt", "WebhookBodyShortened", "WebhookParked", "WebhookTemplateUnfillable"),
    }
)
