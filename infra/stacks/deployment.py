"""The settings of one deployment, read from the CDK context."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from infra.stacks import values

MailCarrier = Literal["ses", "simulator"]
SignInMail = Literal["cognito", "ses"]
SignInMfa = Literal["optional", "required"]
NationalRegistry = Literal["none", "files"]
VoiceCarrier = Literal["none", "twilio"]
TextsCarrier = Literal["none", "twilio"]
PaymentsCarrier = Literal["none", "stripe", "simulator"]
Switch = Literal["on", "off"]
Tier = Literal["development", "production"]
VoiceTalker = Literal["none", "announcer"]
Owner = Literal["own", "existing"]
Release = Literal["canary", "at_once"]

#: The topology's queue for notices of inbound mail.
INBOUND_MAIL = "inbound-mail"
#: Features that the local engine (ministack 1.5.33) lacks. The context `local_engine=true` omits them.
MISSING_IN_LOCAL_ENGINE = {
    "response_streaming": "responseTransferMode STREAM returns 500, and the web adapter's layer is missing.",
    "web_acl_association": "The engine refuses a stack with an AWS::WAFv2::WebACLAssociation.",
    "composite_alarms": "The engine does not know AWS::CloudWatch::CompositeAlarm.",
    "web_acl_logging": "The engine does not know AWS::WAFv2::LoggingConfiguration.",
    "canaries": "The engine does not know AWS::CodeDeploy.",
    "login_branding": "The engine refuses a stack with an AWS::Cognito::ManagedLoginBranding.",
}

#: The settings that are taken from the context unchanged.
_AS_GIVEN = (
    *("stage", "domain", "certificate_arn", "sender_domain", "alarm_email", "language_model"),
    *("tier", "release", "monthly_budget_dollars"),
    *("twilio_account_sid", "twilio_secret_arn", "twilio_calls_per_second"),
    "twilio_primary_profile",
    *("voice_carrier", "voice_talker", "caller_pool", "transfer_countries", "texts_carrier"),
    *("texts_per_second_long_code", "texts_per_second_toll_free", "texts_per_second_short_code"),
    "carrier_answers_keywords",
    *("payments_carrier", "stripe_secret_arn", "stripe_webhook_secret_arn"),
    *("stripe_prices", "stripe_metered_prices", "stripe_automatic_tax", "billing_origins"),
    *("livekit_url", "livekit_api_key", "livekit_secret_arn", "livekit_agent"),
    *("turnstile_secret_arn", "turnstile_site_key"),
    *("national_registry", "national_registry_folder"),
    *("oidc_issuer", "oidc_client_id", "oidc_client_secret_arn", "sign_in_mail", "sign_in_mfa"),
    *("reserved_concurrency", "ses_identity", "receipt_rule_set", "api_logs_role"),
)


@dataclass(frozen=True)
class Deployment:
    """The context of a deployment. Every setting has a default."""

    #: The deployment's name, a part of the names of all its resources: `dev`, `prod` …
    stage: str = "dev"
    #: The domain of all four APIs, and the ACM certificate for it in the same region.
    domain: str | None = None
    certificate_arn: str | None = None
    #: The sender domain of the platform's own mail. It gets an SES identity.
    sender_domain: str = "switchboard.example"
    #: The domain of the agents' addresses. The default is `agents.` below the sender domain.
    agents_domain: str = "agents.switchboard.example"
    #: `ses`, or `simulator`, which sends nothing. The simulator is the default without a sender domain.
    mail_carrier: MailCarrier = "simulator"
    #: The Bedrock model that judges roleplays: the id of a foundation model or an inference profile. Without a model,
    #: rules judge.
    language_model: str | None = None
    #: The account that sells telephone numbers and carries calls, and the ARN of the secret with its token.
    twilio_account_sid: str | None = None
    twilio_secret_arn: str | None = None
    #: The profile of the deployment's own business in TrustHub (`BU…`), which vouches for brands of its customers.
    #: Without it, the deployment registers no brands.
    twilio_primary_profile: str | None = None
    #: How many calls a second Twilio starts for each of the deployment's accounts, if it is not the usual one.
    twilio_calls_per_second: str | None = None
    #: The carrier of live calls, and what talks in them: `announcer` lets the line say the greeting of a call.
    voice_carrier: VoiceCarrier = "none"
    voice_talker: VoiceTalker = "none"
    #: The platform's own numbers, which organizations without a number show: E.164, with commas between them.
    caller_pool: str | None = None
    #: The countries that calls may be transferred to: ISO 3166 codes, with commas between them. `US,CA` by default.
    transfer_countries: str | None = None
    #: The carrier of live text messages.
    texts_carrier: TextsCarrier = "none"
    #: The texts a second that the carrier accepts from a number of each type, if they differ from the usual ones.
    texts_per_second_long_code: str | None = None
    texts_per_second_toll_free: str | None = None
    texts_per_second_short_code: str | None = None
    #: Whether the carrier answers keywords by itself: `on`, or `off` after its own answers were ended there.
    carrier_answers_keywords: Switch = "on"
    #: The provider of payments. With `simulator` everybody subscribes for nothing: it is for deployments that test.
    payments_carrier: PaymentsCarrier = "none"
    #: The ARN of the secret with Stripe's API key, and of the secret with the signing secret of its webhook endpoint.
    stripe_secret_arn: str | None = None
    stripe_webhook_secret_arn: str | None = None
    #: The monthly price of each plan at Stripe: `starter=price_…,growth=price_…,scale=price_…`.
    stripe_prices: str | None = None
    #: The metered prices that each subscription has too, with commas between them.
    stripe_metered_prices: str | None = None
    #: Whether Stripe calculates the tax of each invoice, and checkout asks for the address and the tax id.
    stripe_automatic_tax: Switch = "off"
    #: Origins, beside the deployment's own, to which a customer may return from a page for paying.
    billing_origins: str | None = None
    #: The LiveKit server of roleplays, its API key, the ARN of the secret with the API secret, and the name of the
    #: agent that plays the personas. Without a server, the transport is simulated.
    livekit_url: str | None = None
    livekit_api_key: str | None = None
    livekit_secret_arn: str | None = None
    livekit_agent: str | None = None
    #: The ARN of the secret with Turnstile's secret key, and its public site key. Without them, widgets with a captcha
    #: start no sessions.
    turnstile_secret_arn: str | None = None
    turnstile_site_key: str | None = None
    #: The issuer that vouches for people in the place of a user pool of our own, our client's id at it, and the ARN of
    #: the secret that holds the client's secret, if it has one.
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret_arn: str | None = None
    #: The sender of the user pool's codes: `ses`, from the sender domain after SES has verified it, or `cognito`, which
    #: sends at most fifty mails a day.
    sign_in_mail: SignInMail = "cognito"
    #: Whether the user pool requires a second factor. Its pages let people add a second factor only if it is required.
    sign_in_mfa: SignInMfa = "optional"
    #: The source of the national do-not-call registry: `none`, which forbids all sales calls in the United States, or
    #: `files` in a folder that every function of a call can read, for example a layer's folder below `/opt`.
    national_registry: NationalRegistry = "none"
    national_registry_folder: str | None = None
    #: The address that receives alarms.
    alarm_email: str | None = None
    #: Whether the functions of the topology keep executions for themselves. A new account has too few for that.
    reserved_concurrency: Switch = "on"
    #: Whether the SES identities of the domains belong to this deployment, or exist already.
    ses_identity: Owner = "own"
    #: The name of an existing rule set for inbound mail, which gets this deployment's rule. Without it, the deployment
    #: has a rule set of its own.
    receipt_rule_set: str | None = None
    #: Whether this deployment sets the role with which API Gateway writes logs, for the whole account and region.
    api_logs_role: Owner = "own"
    #: Whether the stored data stays when its stack is deleted. Without it, `make destroy` deletes everything.
    keep_data: bool = True
    #: The account and the region of the deployment, if the context pins them: anything else is refused.
    account: str | None = None
    region: str | None = None
    #: Other settings of the code, by their names in `infra/code_settings.py`. All functions get them.
    settings: Mapping[str, str] = field(default_factory=dict)
    #: `development` leaves out what costs money while nobody uses it: snapshots, the firewall, most alarms and the
    #: dashboard. The stage `dev` is a development deployment by default, and every other stage is not.
    tier: Tier | None = None
    #: How a new version of a function behind an API gets its requests in production: `canary` gives it a tenth of them
    #: for ten minutes, and goes back when an alarm rings. `at_once` does not wait, for example to go back by hand.
    release: Release | None = None
    #: The spending of the account in a month, in US dollars, of which people are told.
    monthly_budget_dollars: str | None = None
    #: Whether the templates are for the local engine.
    local_engine: bool = False

    @classmethod
    def from_context(cls, read: Callable[[str], Any]) -> Deployment:
        """Read a deployment from a context.

        Raises ValueError, with a line for each fault, if a value has a wrong form or settings contradict each other.
        """
        sender = read("sender_domain")
        given: dict[str, Any] = {
            **{name: read(name) for name in _AS_GIVEN},
            "agents_domain": read("agents_domain") or (sender and f"agents.{sender}"),
            "mail_carrier": read("mail_carrier") or ("ses" if sender else "simulator"),
            "local_engine": str(read("local_engine")).lower() == "true",
        }
        kept = str(read("keep_data") or "true").lower()
        faults = [*values.list_faults({**given, "keep_data": kept})]
        if faults:
            raise ValueError("\n".join(faults))
        place = values.find_place(read("accounts"), given["stage"] or cls.stage)
        deployment = cls(
            **{name: value for name, value in given.items() if value},
            keep_data=kept == "true",
            settings=values.read_object("settings", read("settings"), '{"SESSION_SECONDS": "28800"}'),
            account=place.account if place else None,
            region=place.region if place else None,
        )
        for contradiction in deployment._contradictions(sender):
            raise ValueError(contradiction)
        return deployment

    def _contradictions(self, sender: str | None) -> Iterator[str]:
        if bool(self.domain) != bool(self.certificate_arn):
            yield "domain and certificate_arn must be given together or not at all"
        if self.mail_carrier == "ses" and not sender:
            yield "mail_carrier=ses needs a sender_domain"
        if self.mail_carrier != "ses" and (self.ses_identity == "existing" or self.receipt_rule_set):
            yield "ses_identity=existing and receipt_rule_set need mail_carrier=ses"
        if bool(self.twilio_account_sid) != bool(self.twilio_secret_arn):
            yield "twilio_account_sid and twilio_secret_arn need each other"
        if self.release == "canary" and not self.is_production:
            yield "release=canary needs tier=production: a development deployment changes its functions in place"
        yield from self._contradictions_of_voice()
        if self.texts_carrier == "twilio" and not (self.twilio_account_sid and self.domain):
            yield "texts_carrier=twilio needs a twilio_account_sid, and a domain for the carrier's callbacks"
        yield from self._contradictions_of_payments()
        if self.livekit_url and not (self.livekit_api_key and self.livekit_secret_arn):
            yield "livekit_url needs a livekit_api_key and a livekit_secret_arn"
        if bool(self.turnstile_secret_arn) != bool(self.turnstile_site_key):
            yield "turnstile_secret_arn and turnstile_site_key need each other"
        if (self.national_registry == "files") != bool(self.national_registry_folder):
            yield "national_registry=files and a national_registry_folder must be given together or not at all"
        yield from self._contradictions_of_sign_in()

    def _contradictions_of_voice(self) -> Iterator[str]:
        if self.voice_carrier == "twilio" and not (self.twilio_account_sid and self.domain):
            yield "voice_carrier=twilio needs a twilio_account_sid, and a domain for the line's callbacks"
        if self.voice_carrier == "none" and (
            self.voice_talker != "none" or self.caller_pool or self.transfer_countries
        ):
            yield "voice_talker, caller_pool and transfer_countries need a voice_carrier"

    def _contradictions_of_payments(self) -> Iterator[str]:
        by_stripe = self.payments_carrier == "stripe"
        if by_stripe and not (self.stripe_secret_arn and self.stripe_webhook_secret_arn and self.domain):
            yield (
                "payments_carrier=stripe needs a stripe_secret_arn, a stripe_webhook_secret_arn, and a domain for"
                " Stripe's notifications"
            )
        if (self.stripe_secret_arn or self.stripe_webhook_secret_arn) and not by_stripe:
            yield "stripe_secret_arn and stripe_webhook_secret_arn need payments_carrier=stripe"
        if by_stripe and {part.partition("=")[0].strip() for part in (self.stripe_prices or "").split(",")} != {
            "starter",
            "growth",
            "scale",
        }:
            yield "stripe_prices must have a price of each plan: starter=price_…,growth=price_…,scale=price_…"

    def _contradictions_of_sign_in(self) -> Iterator[str]:
        if bool(self.oidc_issuer) != bool(self.oidc_client_id):
            yield "oidc_issuer and oidc_client_id must be given together or not at all"
        if self.oidc_client_secret_arn and not self.oidc_issuer:
            yield "oidc_client_secret_arn needs an oidc_issuer"
        if self.oidc_issuer and not self.domain:
            yield "oidc_issuer needs a domain, so that people can return after the sign-in"
        if self.sign_in_mail == "ses" and self.mail_carrier != "ses":
            yield "sign_in_mail=ses needs mail_carrier=ses"
        of_a_pool = self.sign_in_mail == "ses" or self.sign_in_mfa == "required"
        if of_a_pool and (self.oidc_issuer or not self.domain):
            yield "sign_in_mail and sign_in_mfa belong to the user pool: they need a domain and no oidc_issuer"

    @property
    def is_protected(self) -> bool:
        """Whether nothing may delete the stored data, or the stacks with it."""
        return self.keep_data and not self.local_engine

    def has_feature(self, feature: str) -> bool:
        """Whether the templates may use a feature that the local engine lacks."""
        return not (self.local_engine and feature in MISSING_IN_LOCAL_ENGINE)

    @property
    def is_production(self) -> bool:
        """Whether the deployment has what a production needs, also where it costs money while idle."""
        return self.tier == "production" or (self.tier is None and self.stage != "dev")

    @property
    def has_aliases(self) -> bool:
        """Whether callers and event sources call the alias of a published version, so that a release is one switch."""
        return self.is_production

    @property
    def has_canaries(self) -> bool:
        """Whether CodeDeploy moves the aliases of the functions behind an API."""
        return self.is_production and self.release != "at_once" and self.has_feature("canaries")

    def resource_name(self, *parts: str) -> str:
        """The name of a resource of this deployment: `switchboard-prod-email`."""
        return "-".join(("switchboard", self.stage, *parts)).replace("/", "-")

    @property
    def text_rates(self) -> dict[str, str]:
        """The rates of texts that differ from the usual ones, by the type of the number."""
        rates = {
            "long_code": self.texts_per_second_long_code,
            "toll_free": self.texts_per_second_toll_free,
            "short_code": self.texts_per_second_short_code,
        }
        return {name: rate for name, rate in rates.items() if rate}

    @property
    def public_url(self) -> str | None:
        """The URL of all four APIs, `None` without a domain."""
        return f"https://{self.domain}" if self.domain else None

    @property
    def receipt_rule(self) -> tuple[str, str]:
        """The names of SES' rule set for inbound mail, and of its one rule."""
        return self.receipt_rule_set or self.resource_name("mail"), self.resource_name("inbound")

    @property
    def platform_sender(self) -> str:
        """The sender address of the platform's own mail."""
        return f"welcome@{self.sender_domain}"

    @property
    def mail_domains(self) -> tuple[str, ...]:
        """The domains from which mail is sent."""
        return tuple(dict.fromkeys((self.sender_domain, self.agents_domain)))
