"""The OpenID issuer of a deployment: an issuer from the context, or else the deployment's own Cognito user pool."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Aws, CfnOutput, Duration, Stack
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infra.stacks.data import removal_of
from infra.stacks.deployment import Deployment
from infra.stacks.findings import accept_finding
from switchboard.people.return_to import SIGNED_OUT_PATH


@dataclass(frozen=True)
class Issuer:
    """An OpenID Connect issuer and the deployment's client id. A client without a secret is a public client."""

    url: str
    client_id: str
    secret_arn: str | None = None


def issuer_of(scope: Construct, deployment: Deployment) -> Issuer | None:
    """Return a deployment's issuer. Without a domain it is `None`, because a sign-in has no address to return to."""
    if deployment.oidc_issuer and deployment.oidc_client_id:
        return Issuer(deployment.oidc_issuer, deployment.oidc_client_id, deployment.oidc_client_secret_arn)
    return Identity(scope, deployment).issuer if deployment.domain else None


class Identity(Stack):
    """The user pool, its pages, and the console's client. The pool stays when the stack is deleted."""

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        name = deployment.resource_name("identity")
        super().__init__(scope, name, stack_name=name, termination_protection=deployment.is_protected)
        self._deployment = deployment
        self._pool = self._people()
        client = self._client()
        self._pages(client)
        pool_id = self._pool.user_pool_id
        self.issuer = Issuer(f"https://cognito-idp.{Aws.REGION}.amazonaws.com/{pool_id}", client.user_pool_client_id)
        CfnOutput(self, "UserPool", description="The user pool in which people sign up", value=pool_id)

    def _people(self) -> cognito.UserPool:
        pool = cognito.UserPool(
            self,
            "People",
            user_pool_name=self._deployment.resource_name("people"),
            feature_plan=cognito.FeaturePlan.ESSENTIALS,
            self_sign_up_enabled=True,
            sign_in_aliases=cognito.SignInAliases(email=True),
            sign_in_case_sensitive=False,
            # The sign-up page asks only for required attributes.
            standard_attributes=cognito.StandardAttributes(email=_asked_for(), fullname=_asked_for()),
            auto_verify=cognito.AutoVerifiedAttrs(email=True),
            # Invites match the verified address: a new address replaces the old one only after it is verified.
            keep_original=cognito.KeepOriginalAttrs(email=True),
            user_verification=cognito.UserVerificationConfig(
                email_style=cognito.VerificationEmailStyle.CODE,
                email_subject="Your Switchboard code",
                email_body="{####} is your Switchboard code. If you did not ask for one, ignore this mail.",
            ),
            password_policy=cognito.PasswordPolicy(
                min_length=12,
                require_lowercase=True,
                require_uppercase=True,
                require_digits=True,
                require_symbols=True,
            ),
            mfa=cognito.Mfa.REQUIRED if self._deployment.sign_in_mfa == "required" else cognito.Mfa.OPTIONAL,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            deletion_protection=self._deployment.is_protected,
            removal_policy=removal_of(self._deployment),
        )
        if self._deployment.sign_in_mail == "ses":
            self._send_through_ses(pool)
        accept_finding(
            pool, "AwsSolutions-COG2", "Some invited people have no second device. sign_in_mfa can require it."
        )
        accept_finding(
            pool, "AwsSolutions-COG8", "The Plus plan costs money for every person from the first sign-in on."
        )
        return pool

    def _send_through_ses(self, pool: cognito.UserPool) -> None:
        # The CDK's own method needs to know the region at synthesis.
        identity = f"arn:{Aws.PARTITION}:ses:{Aws.REGION}:{Aws.ACCOUNT_ID}:identity/{self._deployment.sender_domain}"
        made = pool.node.default_child
        assert isinstance(made, cognito.CfnUserPool)
        made.email_configuration = cognito.CfnUserPool.EmailConfigurationProperty(
            email_sending_account="DEVELOPER", source_arn=identity, from_=self._deployment.platform_sender
        )

    def _client(self) -> cognito.UserPoolClient:
        home = self._deployment.public_url
        return cognito.UserPoolClient(
            self,
            "Client",
            user_pool=self._pool,
            user_pool_client_name=self._deployment.resource_name("console"),
            # A public client. A code is useless without the PKCE verifier of its sign-in, which only the deployment
            # has. A client secret would prove nothing more, and would pass through CloudFormation.
            generate_secret=False,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[cognito.OAuthScope.OPENID, cognito.OAuthScope.EMAIL, cognito.OAuthScope.PROFILE],
                callback_urls=[f"{home}/auth/callback"],
                # A deployment runs two versions of its functions for a while, and the other one may return to the root.
                logout_urls=[f"{home}{SIGNED_OUT_PATH}", f"{home}/"],
            ),
            supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO],
            # Sign-in only through the pages: nobody can try passwords through Cognito's API.
            auth_flows=cognito.AuthFlow(user_srp=False),
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
            # A token is read once, and then our own session begins. So tokens live as briefly as Cognito allows.
            id_token_validity=Duration.minutes(5),
            access_token_validity=Duration.minutes(5),
            refresh_token_validity=Duration.hours(1),
            read_attributes=cognito.ClientAttributes().with_standard_attributes(
                email=True, email_verified=True, fullname=True, profile_picture=True
            ),
            write_attributes=cognito.ClientAttributes().with_standard_attributes(email=True, fullname=True),
        )

    def _pages(self, client: cognito.UserPoolClient) -> None:
        pages = cognito.UserPoolDomain(
            self,
            "Pages",
            user_pool=self._pool,
            # Prefixes must be unique over all accounts of a region.
            cognito_domain=cognito.CognitoDomainOptions(
                domain_prefix=f"{self._deployment.resource_name()}-{Aws.ACCOUNT_ID}"
            ),
            managed_login_version=cognito.ManagedLoginVersion.NEWER_MANAGED_LOGIN,
        )
        if self._deployment.has_feature("login_branding"):
            # Without a style, even Cognito's own, these pages are empty.
            style = cognito.CfnManagedLoginBranding(
                self,
                "Style",
                user_pool_id=self._pool.user_pool_id,
                client_id=client.user_pool_client_id,
                use_cognito_provided_values=True,
            )
            style.node.add_dependency(pages)


def _asked_for() -> cognito.StandardAttribute:
    return cognito.StandardAttribute(required=True, mutable=True)
