"""The front of all four APIs: the firewall, the domain, and the account's right to write access logs."""

from __future__ import annotations

import re

from aws_cdk import CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_iam as iam
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from infra import topology
from infra.resources import Group
from infra.stacks.deployment import Deployment
from infra.stacks.findings import accept_finding

#: Requests that one address may make in five minutes. This stops floods, and must not limit a customer: a single
#: address may use a whole scale plan, which allows 2,000 requests per second.
MAX_REQUESTS_PER_ADDRESS = 600_000

_LOGS_POLICY = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"


class Front(Stack):
    """The firewall, and the domain if the deployment has one."""

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        name = deployment.resource_name("front")
        super().__init__(scope, name, stack_name=name)
        self.firewall = self._firewall(name)
        self.domain = self._domain(deployment)
        if deployment.api_logs_role == "own":
            self._access_logs()

    def _firewall(self, name: str) -> wafv2.CfnWebACL:
        # No rule set that inspects bodies: HTML mail triggers them.
        return wafv2.CfnWebACL(
            self,
            "Firewall",
            name=name,
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_seen_as("Firewall"),
            rules=[
                wafv2.CfnWebACL.RuleProperty(
                    name="Reputation",
                    priority=0,
                    override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
                    statement=wafv2.CfnWebACL.StatementProperty(
                        managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                            vendor_name="AWS", name="AWSManagedRulesAmazonIpReputationList"
                        )
                    ),
                    visibility_config=_seen_as("Reputation"),
                ),
                wafv2.CfnWebACL.RuleProperty(
                    name="PerAddress",
                    priority=1,
                    action=wafv2.CfnWebACL.RuleActionProperty(block={}),
                    statement=wafv2.CfnWebACL.StatementProperty(
                        rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                            aggregate_key_type="IP", limit=MAX_REQUESTS_PER_ADDRESS, evaluation_window_sec=300
                        )
                    ),
                    visibility_config=_seen_as("PerAddress"),
                ),
                *(
                    _group_rule(group, limit, priority)
                    for priority, (group, limit) in enumerate(_list_limits(), start=2)
                ),
            ],
        )

    def _domain(self, deployment: Deployment) -> apigateway.DomainName | None:
        if not (deployment.domain and deployment.certificate_arn):
            return None
        domain = apigateway.DomainName(
            self,
            "Domain",
            domain_name=deployment.domain,
            certificate=acm.Certificate.from_certificate_arn(self, "Certificate", deployment.certificate_arn),
            endpoint_type=apigateway.EndpointType.REGIONAL,
            security_policy=apigateway.SecurityPolicy.TLS_1_2,
        )
        CfnOutput(
            self,
            "DomainTarget",
            description=f"The target of the DNS record of {deployment.domain}",
            value=domain.domain_name_alias_domain_name,
        )
        return domain

    def _access_logs(self) -> None:
        # The setting applies to the account's whole region, so its role must outlive a single deployment.
        role = iam.Role(
            self,
            "AccessLogs",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(_LOGS_POLICY)],
        )
        role.apply_removal_policy(RemovalPolicy.RETAIN)
        apigateway.CfnAccount(self, "Account", cloud_watch_role_arn=role.role_arn)
        accept_finding(
            role,
            f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{_LOGS_POLICY}]",
            "API Gateway documents this managed policy for writing logs.",
        )


def _list_limits() -> list[tuple[Group, int]]:
    return [(group, limit) for group in topology.GROUPS if (limit := group.address_per_minute) is not None]


def _group_rule(group: Group, limit: int, priority: int) -> wafv2.CfnWebACL.RuleProperty:
    """Returns the rule that keeps the environments of a small group from being taken by one address.

    The limits of the functions count a stranger only after its credential was looked up.
    """
    name = "PerAddress" + "".join(word.capitalize() for word in re.split("[/_]", group.name))
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        action=wafv2.CfnWebACL.RuleActionProperty(block={}),
        statement=wafv2.CfnWebACL.StatementProperty(
            rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                aggregate_key_type="IP", limit=limit, evaluation_window_sec=60, scope_down_statement=_path_of(group)
            )
        ),
        visibility_config=_seen_as(name),
    )


def _path_of(group: Group) -> wafv2.CfnWebACL.StatementProperty:
    """Returns the statement that matches the only path of a group. Without a domain, a path begins with its stage."""
    base = next(api.base_path for api in topology.APIS if api.name == group.api)
    (path,) = ("/" + "/".join(part for part in (base, path) if part) for path in group.paths)
    prefix = path.removesuffix("{proxy+}")
    # A client may encode letters of a path, and API Gateway decodes them.
    decoded = [
        wafv2.CfnWebACL.TextTransformationProperty(priority=0, type="URL_DECODE"),
        wafv2.CfnWebACL.TextTransformationProperty(priority=1, type="NORMALIZE_PATH"),
    ]
    return wafv2.CfnWebACL.StatementProperty(
        byte_match_statement=wafv2.CfnWebACL.ByteMatchStatementProperty(
            field_to_match=wafv2.CfnWebACL.FieldToMatchProperty(uri_path={}),
            positional_constraint="ENDS_WITH" if prefix == path else "CONTAINS",
            search_string=prefix,
            text_transformations=decoded,
        )
    )


def _seen_as(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=False
    )
