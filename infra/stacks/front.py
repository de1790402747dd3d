"""The front of all four APIs: the firewall, the domain, and the account's right to write access logs."""

from __future__ import annotations

from aws_cdk import CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.stacks.deployment import Deployment
from infra.stacks.findings import accept_finding
from infra.stacks.firewall import Firewall

_LOGS_POLICY = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"


class Front(Stack):
    """The firewall, and the domain if the deployment has one."""

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        name = deployment.resource_name("front")
        super().__init__(scope, name, stack_name=name)
        self.firewall = Firewall(self, deployment).acl if deployment.is_production else None
        self.domain = self._domain(deployment)
        if deployment.api_logs_role == "own":
            self._access_logs()

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
