"""SES: what the mail is sent under, and the way back of what became of it."""

from __future__ import annotations

from aws_cdk import Aws, CfnOutput, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.stacks.deployment import Deployment

REPORTED = (
    ses.EmailSendingEvent.SEND,
    ses.EmailSendingEvent.DELIVERY,
    ses.EmailSendingEvent.DELIVERY_DELAY,
    ses.EmailSendingEvent.BOUNCE,
    ses.EmailSendingEvent.COMPLAINT,
    ses.EmailSendingEvent.REJECT,
)


class Mail(Construct):
    """An identity for each domain, and a configuration set that reports to a queue."""

    def __init__(self, scope: Construct, deployment: Deployment, reports: sqs.Queue) -> None:
        super().__init__(scope, "Mail")
        configuration = ses.ConfigurationSet(
            self, "Configuration", configuration_set_name=deployment.name("mail"), reputation_metrics=True
        )
        # The reports name the people written to, so they are not kept in the clear while they wait.
        key = kms.Key(
            self,
            "Key",
            description="Reports of mail on their way to the queue",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("ses.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        topic = sns.Topic(self, "Reports", topic_name=deployment.name("mail"), master_key=key, enforce_ssl=True)
        topic.add_subscription(subscriptions.SqsSubscription(reports, raw_message_delivery=True))
        ses.ConfigurationSetEventDestination(
            self,
            "Destination",
            configuration_set=configuration,
            destination=ses.EventDestination.sns_topic(topic),
            events=list(REPORTED),
        )
        for domain in deployment.mail_domains:
            self._identity(domain, configuration)

    def _identity(self, domain: str, configuration: ses.ConfigurationSet) -> None:
        identity = ses.EmailIdentity(
            self, f"Identity-{domain}", identity=ses.Identity.domain(domain), configuration_set=configuration
        )
        for number, record in enumerate(identity.dkim_records, start=1):
            CfnOutput(
                self,
                f"Dkim-{domain}-{number}",
                description=f"CNAME record {number} of 3 that proves {domain} to SES",
                value=f"{record.name} CNAME {record.value}",
            )
