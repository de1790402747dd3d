"""The checks of an account. Each yields findings, and says what to do about a bad one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from infra import topology
from infra.stacks.deployment import Deployment

Level = Literal["ok", "warning", "failed"]
Clients = Callable[[str], Any]

#: The version of the CDK's bootstrap stack that this version of the CDK needs.
BOOTSTRAP_VERSION = 6
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnrecognizedClientException")
_MISSING = (
    *("NotFoundException", "ResourceNotFoundException", "ParameterNotFound", "NoSuchBucket", "404"),
    *("ValidationError", "RuleSetDoesNotExist"),
)


@dataclass(frozen=True)
class Finding:
    """The result of a check: a sentence, and what to do unless it is good."""

    level: Level
    text: str
    advice: str = ""


@dataclass(frozen=True)
class Account:
    """An account as the checks see it: its clients by service, and the credentials' account and region."""

    client: Clients
    id: str
    region: str


Check = Callable[[Account, Deployment], Iterator[Finding]]


def check_place(account: Account, deployment: Deployment) -> Iterator[Finding]:
    """The credentials are for the stage's account and region."""
    others = [
        (name, wanted, given)
        for name, wanted, given in (
            ("account", deployment.account, account.id),
            ("region", deployment.region, account.region),
        )
        if wanted and wanted != given
    ]
    for name, wanted, given in others:
        yield Finding("failed", f"The credentials are for the {name} {given}.", f"Choose a profile of {wanted}.")
    if deployment.account is None and deployment.stage != "dev":
        advice = f'Add {{"{deployment.stage}": "{account.id}/{account.region}"}} as accounts to cdk.json.'
        yield Finding("warning", f"Stage {deployment.stage} is not pinned to an account.", advice)
    elif not others:
        yield Finding("ok", f"The credentials are for {account.id} in {account.region}.")


def check_bootstrap(account: Account, _: Deployment) -> Iterator[Finding]:
    """The CDK's bootstrap stack is there, and new enough."""
    advice = "Run `make bootstrap`."
    try:
        found = account.client("ssm").get_parameter(Name="/cdk-bootstrap/hnb659fds/version")["Parameter"]["Value"]
    except ClientError as error:
        if not _is_missing(error):
            raise
        yield Finding("failed", "The region is not bootstrapped for the CDK.", advice)
        return
    if int(found) < BOOTSTRAP_VERSION:
        yield Finding("failed", f"The CDK's bootstrap stack has version {found}, not {BOOTSTRAP_VERSION}.", advice)
    else:
        yield Finding("ok", f"The CDK's bootstrap stack has version {found}.")


def check_executions(account: Account, deployment: Deployment) -> Iterator[Finding]:
    """The account allows the executions that functions reserve, and those that they need under load."""
    limit = account.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    reserved = sum(one.reserved or 0 for one in topology.FUNCTIONS)
    raised = f"Have the quota of concurrent executions raised to {topology.ACCOUNT_EXECUTIONS:,} (Service Quotas)"
    if deployment.reserved_concurrency == "on" and limit < reserved + topology.UNRESERVED_EXECUTIONS:
        yield Finding(
            "failed",
            f"The account allows {limit:,} executions at one time, and the functions reserve {reserved:,}.",
            f"{raised}, or deploy with reserved_concurrency=off.",
        )
    elif limit < topology.ACCOUNT_EXECUTIONS:
        advice = f"{raised}, before customers come."
        yield Finding("warning", f"The account allows {limit:,} executions at one time.", advice)
    else:
        yield Finding("ok", f"The account allows {limit:,} executions at one time.")


def check_certificate(account: Account, deployment: Deployment) -> Iterator[Finding]:
    """The certificate is issued for the domain, in the region of the APIs."""
    arn = deployment.certificate_arn
    if not (arn and deployment.domain):
        return
    if (region := arn.split(":")[3]) != account.region:
        yield Finding(
            "failed",
            f"The certificate is in {region}, and the APIs are in {account.region}.",
            f"Request a certificate for {deployment.domain} in {account.region}.",
        )
        return
    try:
        found = account.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    except ClientError as error:
        if not _is_missing(error):
            raise
        yield Finding("failed", "There is no such certificate.", "Compare certificate_arn with the certificate in ACM.")
        return
    if found["Status"] != "ISSUED":
        advice = "Add the CNAME record that ACM shows to DNS, and wait until it is ISSUED."
        yield Finding("failed", f"The certificate is {found['Status']}.", advice)
    elif not any(_covers(name, deployment.domain) for name in found.get("SubjectAlternativeNames", ())):
        advice = f"Request a certificate for {deployment.domain}."
        yield Finding("failed", f"The certificate is not for {deployment.domain}.", advice)
    else:
        yield Finding("ok", f"The certificate for {deployment.domain} is issued.")


def check_mail(account: Account, deployment: Deployment) -> Iterator[Finding]:
    """SES may send to everybody, and its identities and rule sets are those that the context says."""
    if deployment.mail_carrier != "ses":
        return
    client = account.client("sesv2")
    found = client.get_account()
    if not found.get("ProductionAccessEnabled"):
        advice = "Request production access in the SES console: until then, mail reaches verified addresses only."
        yield Finding("warning", "SES is in its sandbox.", advice)
    elif not found.get("SendingEnabled"):
        yield Finding("failed", "SES has stopped sending for this account.", "Read the reason in the SES console.")
    else:
        quota = found["SendQuota"]
        daily, rate = quota["Max24HourSend"], quota["MaxSendRate"]
        yield Finding("ok", f"SES sends {daily:,.0f} mails a day and {rate:,.0f} a second.")
    ours = _has_stack(account, deployment, "workers")
    for domain in deployment.mail_domains:
        exists = _exists(lambda domain=domain: client.get_email_identity(EmailIdentity=domain))  # type: ignore[misc]
        if exists and deployment.ses_identity == "own" and not ours:
            advice = "Deploy with ses_identity=existing, or delete the identity first."
            yield Finding("failed", f"SES has an identity for {domain} already.", advice)
        if not exists and deployment.ses_identity == "existing":
            advice = "Create it, or deploy with ses_identity=own."
            yield Finding("failed", f"SES has no identity for {domain}.", advice)
    yield from _check_rule_set(account, deployment)


def _check_rule_set(account: Account, deployment: Deployment) -> Iterator[Finding]:
    active = account.client("ses").describe_active_receipt_rule_set().get("Metadata", {}).get("Name")
    wanted, _ = deployment.receipt_rule
    if active == wanted:
        yield Finding("ok", f"The rule set {wanted} receives mail.")
    elif active:
        advice = f"A region has one active rule set. Deploy with receipt_rule_set={active}, or activate {wanted} later."
        yield Finding("warning", f"The active rule set for inbound mail is {active}.", advice)
    else:
        advice = f"After the deployment: aws ses set-active-receipt-rule-set --rule-set-name {wanted}"
        yield Finding("warning", "No rule set for inbound mail is active.", advice)


def check_secrets(account: Account, deployment: Deployment) -> Iterator[Finding]:
    """The secrets that the context names exist."""
    client = account.client("secretsmanager")
    for name in (
        *("twilio_secret_arn", "stripe_secret_arn", "stripe_webhook_secret_arn", "livekit_secret_arn"),
        *("turnstile_secret_arn", "oidc_client_secret_arn"),
    ):
        arn = getattr(deployment, name)
        if arn is None:
            continue
        if _exists(lambda arn=arn: client.describe_secret(SecretId=arn)):  # type: ignore[misc]
            yield Finding("ok", f"The secret of {name} exists.")
        else:
            yield Finding("failed", f"There is no secret {arn}.", f"Create it, or correct {name}.")


def check_log_role(account: Account, deployment: Deployment) -> Iterator[Finding]:
    """A first deployment does not replace the role with which other APIs of the account write logs."""
    role = account.client("apigateway").get_account().get("cloudwatchRoleArn")
    ours = _has_stack(account, deployment, "front")
    if deployment.api_logs_role == "existing" and not role:
        advice = "Deploy with api_logs_role=own."
        yield Finding("failed", "API Gateway has no role for logs in this region.", advice)
    elif deployment.api_logs_role == "own" and role and not ours:
        advice = "The deployment would replace it for all APIs of the region: deploy with api_logs_role=existing."
        yield Finding("warning", f"API Gateway has the role {role} for logs.", advice)
    else:
        yield Finding("ok", "API Gateway can write logs.")


def check_leftovers(account: Account, deployment: Deployment) -> Iterator[Finding]:
    """No data of an earlier stage of the same name has the names that the deployment needs."""
    if _has_stack(account, deployment, "data"):
        yield Finding("ok", f"Stage {deployment.stage} exists: this is an update.")
        return
    dynamodb, s3, left = account.client("dynamodb"), account.client("s3"), []
    for table in topology.TABLES:
        name = deployment.resource_name(table.name)
        if _exists(lambda name=name: dynamodb.describe_table(TableName=name)):  # type: ignore[misc]
            left.append(f"table {name}")
    for bucket in topology.BUCKETS:
        name = f"{deployment.resource_name(bucket.name)}-{account.id}-{account.region}"
        if _exists(lambda name=name: s3.head_bucket(Bucket=name)):  # type: ignore[misc]
            left.append(f"bucket {name}")
    secret = f"switchboard/{deployment.stage}/root"
    if _exists(lambda: account.client("secretsmanager").describe_secret(SecretId=secret)):
        left.append(f"secret {secret}")
    if left:
        advice = "Import them into the new data stack (docs/deploying.md), delete them, or choose another stage."
        yield Finding("failed", f"An earlier stage left: {', '.join(left)}.", advice)
    else:
        yield Finding("ok", f"The names of stage {deployment.stage} are free.")


CHECKS: tuple[Check, ...] = (
    *(check_place, check_bootstrap, check_executions, check_certificate, check_mail, check_secrets, check_log_role),
    check_leftovers,
)


def examine(account: Account, deployment: Deployment) -> Iterator[Finding]:
    """Yields the findings of all checks. A check that the credentials do not permit is a warning."""
    for check in CHECKS:
        try:
            yield from check(account, deployment)
        except ClientError as error:
            about = (check.__doc__ or "").rstrip(".")
            problem = error.response["Error"]
            if problem["Code"] in _DENIED:
                advice = f"Allow {error.operation_name} to these credentials, or look by hand: {about}."
                yield Finding("warning", f"The credentials may not look ({error.operation_name}).", advice)
            else:
                advice = f"Look by hand: {about}."
                yield Finding("warning", f"{error.operation_name} failed: {problem.get('Message', '')}", advice)
        except BotoCoreError as error:
            yield Finding("warning", f"AWS did not answer: {error}", f"Look by hand: {check.__doc__ or ''}")


def find_account(client: Clients) -> Account | Finding:
    """Returns the account of the credentials, or why there is none."""
    try:
        sts = client("sts")
        return Account(client, sts.get_caller_identity()["Account"], sts.meta.region_name)
    except (ClientError, BotoCoreError) as error:
        return Finding("failed", f"There are no valid credentials: {error}", "Sign in, for example by `aws sso login`.")


def _has_stack(account: Account, deployment: Deployment, part: str) -> bool:
    name = deployment.resource_name(part)
    return _exists(lambda: account.client("cloudformation").describe_stacks(StackName=name))


def _exists(look: Callable[[], object]) -> bool:
    try:
        look()
    except ClientError as error:
        if _is_missing(error):
            return False
        raise
    return True


def _is_missing(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in _MISSING


def _covers(name: str, domain: str) -> bool:
    """Whether a certificate's name covers a domain: `*` stands for one label."""
    return re.fullmatch(re.escape(name).replace(r"\*", "[^.]+"), domain) is not None
