"""What distinguishes one deployment from another: the CDK context, read once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

MailCarrier = Literal["ses", "simulator"]

#: The queue of the topology to which the mail's carrier reports.
MAIL_EVENTS = "email-events"
#: The queue that is told of mail that came in.
INBOUND_MAIL = "inbound-mail"
#: What the local engine (ministack 1.5.33) cannot do. The context `local_engine=true` leaves it out of the templates.
MISSING_IN_LOCAL_ENGINE = {
    "response_streaming": "responseTransferMode STREAM answers 500, and the web adapter's layer is not there.",
    "web_acl_association": "AWS::WAFv2::WebACLAssociation is not among its resource types: the stack is refused.",
}


@dataclass(frozen=True)
class Deployment:
    """The context of a deployment. Everything but `stage` may be left out."""

    #: Its name, in the name of all that it owns: `dev`, `prod` …
    stage: str = "dev"
    #: The domain of all four APIs, and the ACM certificate for it in the same region.
    domain: str | None = None
    certificate_arn: str | None = None
    #: The domain that the platform's own mail comes from. An SES identity is made for it.
    sender_domain: str = "switchboard.example"
    #: The domain of the agents' addresses; `agents.` below the sender's when not given.
    agents_domain: str = "agents.switchboard.example"
    #: `ses`, or `simulator`, which sends nothing and is the default without a sender domain.
    mail_carrier: MailCarrier = "simulator"
    #: The Bedrock model that judges: a foundation model's id, or an inference profile's. Without one, rules judge.
    language_model: str | None = None
    #: The LiveKit server of roleplays, its API key, the ARN of the secret that holds the key's secret, and the name of
    #: the agent that plays the personas. Without a server, the transport is simulated.
    livekit_url: str | None = None
    livekit_api_key: str | None = None
    livekit_secret_arn: str | None = None
    livekit_agent: str | None = None
    #: Who is told of alarms.
    alarm_email: str | None = None
    #: Whether the templates are for the local engine.
    local_engine: bool = False

    @classmethod
    def of(cls, read: Callable[[str], Any]) -> Deployment:
        """The deployment that a context describes. Raises ValueError where it contradicts itself."""
        sender = read("sender_domain")
        given: dict[str, Any] = {
            "stage": read("stage"),
            "domain": read("domain"),
            "certificate_arn": read("certificate_arn"),
            "sender_domain": sender,
            "agents_domain": read("agents_domain") or (sender and f"agents.{sender}"),
            "mail_carrier": read("mail_carrier") or ("ses" if sender else "simulator"),
            **{
                name: read(name)
                for name in ("language_model", "livekit_url", "livekit_api_key", "livekit_secret_arn", "livekit_agent")
            },
            "alarm_email": read("alarm_email"),
            "local_engine": str(read("local_engine")).lower() == "true",
        }
        deployment = cls(**{name: value for name, value in given.items() if value})
        if bool(deployment.domain) != bool(deployment.certificate_arn):
            raise ValueError("domain and certificate_arn are given together or not at all")
        if deployment.mail_carrier not in ("ses", "simulator"):
            raise ValueError(f"mail_carrier is ses or simulator, not {deployment.mail_carrier}")
        if deployment.mail_carrier == "ses" and not sender:
            raise ValueError("mail_carrier=ses needs a sender_domain")
        if deployment.livekit_url and not (deployment.livekit_api_key and deployment.livekit_secret_arn):
            raise ValueError("livekit_url needs a livekit_api_key and a livekit_secret_arn")
        return deployment

    def has(self, feature: str) -> bool:
        """Whether the templates may use a feature that the local engine lacks."""
        return not (self.local_engine and feature in MISSING_IN_LOCAL_ENGINE)

    def name(self, *parts: str) -> str:
        """The name of a resource of this deployment: `switchboard-prod-email`."""
        return "-".join(("switchboard", self.stage, *parts)).replace("/", "-")

    @property
    def receipt_rule(self) -> tuple[str, str]:
        """The names of the rule set by which SES takes mail, and of its one rule."""
        return self.name("mail"), self.name("inbound")

    @property
    def platform_sender(self) -> str:
        """Who the platform's own mail is from."""
        return f"welcome@{self.sender_domain}"

    @property
    def mail_domains(self) -> tuple[str, ...]:
        """The domains that mail is sent from."""
        return tuple(dict.fromkeys((self.sender_domain, self.agents_domain)))
