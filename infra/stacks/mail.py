"""SES: the identities for sending mail, the reports of sent mail, and the receipt of inbound mail."""

from __future__ import annotations

from aws_cdk import Aws, CfnOutput, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import topology
from infra.stacks import buckets
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
    """An identity for each domain, a configuration set that reports to a queue, and a rule for inbound mail."""

    def __init__(self, scope: Construct, deployment: Deployment, reports: sqs.Queue) -> None:
        super().__init__(scope, "Mail")
        self._deployment = deployment
        configuration = ses.ConfigurationSet(
            self, "Configuration", configuration_set_name=deployment.resource_name("mail"), reputation_metrics=True
        )
        # SES' reports contain people's addresses, so they are encrypted before they reach the queue.
        self._key = key = kms.Key(
            self,
            "Key",
            description="Encrypts reports of mail between SES and the queue",
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
        topic = sns.Topic(
            self, "Reports", topic_name=deployment.resource_name("mail"), master_key=key, enforce_ssl=True
        )
        topic.add_subscription(subscriptions.SqsSubscription(reports, raw_message_delivery=True))
        ses.ConfigurationSetEventDestination(
            self,
            "Destination",
            configuration_set=configuration,
            destination=ses.EventDestination.sns_topic(topic),
            events=list(REPORTED),
        )
        for domain in deployment.mail_domains if deployment.ses_identity == "own" else ():
            self._identity(domain, configuration)

    def receive(self, notices: sqs.Queue) -> None:
        """Store mail for the agents' domain in a bucket, and send a notice of each mail to a queue.

        The notice comes from SES' S3 action and not from the bucket. Only SES' notice has the envelope, with blind
        copies, and the scan verdicts in a place that no sender can write.
        """
        bucket = next(bucket for bucket in topology.BUCKETS if bucket.mail)
        rule_set_name, rule_name = self._deployment.receipt_rule
        rule_set = (
            None
            if self._deployment.receipt_rule_set
            else ses.CfnReceiptRuleSet(self, "RuleSet", rule_set_name=rule_set_name)
        )
        topic = sns.Topic(
            self,
            "Inbound",
            topic_name=self._deployment.resource_name("inbound-mail"),
            master_key=self._key,
            enforce_ssl=True,
        )
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("ses.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        topic.add_subscription(subscriptions.SqsSubscription(notices, raw_message_delivery=True))
        rule = ses.CfnReceiptRule(
            self,
            "Rule",
            rule_set_name=rule_set_name,
            rule=ses.CfnReceiptRule.RuleProperty(
                name=rule_name,
                enabled=True,
                recipients=[self._deployment.agents_domain],
                scan_enabled=True,
                tls_policy="Optional",
                actions=[
                    ses.CfnReceiptRule.ActionProperty(
                        s3_action=ses.CfnReceiptRule.S3ActionProperty(
                            bucket_name=buckets.name_of(self._deployment, bucket.name),
                            object_key_prefix=bucket.mail,
                            topic_arn=topic.topic_arn,
                        )
                    )
                ],
            ),
        )
        if rule_set:
            rule.add_resource_dependency(rule_set)
        rule.node.add_dependency(topic)
        CfnOutput(
            self,
            "Mx",
            description="The MX record for the agents' mail",
            value=f"{self._deployment.agents_domain} MX 10 inbound-smtp.{Aws.REGION}.amazonaws.com",
        )
        if rule_set:
            CfnOutput(
                self,
                "Activate",
                description="A region has one active rule set, and CloudFormation cannot set it: run this once",
                value=f"aws ses set-active-receipt-rule-set --rule-set-name {rule_set_name}",
            )

    def _identity(self, domain: str, configuration: ses.ConfigurationSet) -> None:
        identity = ses.EmailIdentity(
            self, f"Identity-{domain}", identity=ses.Identity.domain(domain), configuration_set=configuration
        )
        for number, record in enumerate(identity.dkim_records, start=1):
            CfnOutput(
                self,
                f"Dkim-{domain}-{number}",
                description=f"CNAME record {number} of 3 by which SES verifies {domain}",
                value=f"{record.name} CNAME {record.value}",
            )
