"""A REST API for each dialect, in a stack of its own: the largest API has more than a hundred operations."""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from infra import topology
from infra.build import Assets
from infra.resources import API_STAGE, Api, FixedAnswer
from infra.stacks import gateway_responses
from infra.stacks.deployment import Deployment
from infra.stacks.findings import accept_finding
from infra.stacks.front import Front
from infra.stacks.functions import Functions, log_group_of
from infra.stacks.observability import Observability
from infra.stacks.releases import Canaries
from infra.stacks.settings import Resources

#: Requests per second over all callers, and the burst: the limits of the AWS account.
REQUESTS_PER_SECOND, MAX_BURST = 10_000, 5_000
#: The longest time for which API Gateway streams a response.
MAX_STREAM_DURATION = Duration.minutes(15)

_IN_THE_FUNCTION = "The function does it, because it responds in the caller's dialect and knows the caller's key."


class RestApi(Stack):
    """One API: the functions of its groups, their paths, and API Gateway's own error responses."""

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        api: Api,
        *,
        front: Front,
        observability: Observability,
        resources: Resources,
        assets: Assets,
    ) -> None:
        name = deployment.resource_name("api", api.name)
        super().__init__(scope, name, stack_name=name)
        self.add_stack_dependency(front)
        # The alarms that stop a release.
        self.add_stack_dependency(observability)
        self._deployment, self._front = deployment, front
        functions = Functions(self, deployment, resources, assets)
        groups = [group for group in topology.GROUPS if group.api == api.name]
        handlers = {group.name: functions.publish(functions.make_function(group)) for group in groups}
        if deployment.has_canaries:
            canaries = Canaries(self, deployment)
            for group in groups:
                alias = handlers[group.name]
                assert isinstance(alias, lambda_.Alias), f"{group.name} has no alias"
                canaries.release(group, alias)
        self.rest = self._rest_api(name, topology.binary_types(api), traced=api.traced)
        for group in groups:
            for path in filter(None, group.paths):
                streams = functions.is_streamed(group)
                _serve(self.rest.root.resource_for_path(path), handlers[group.name], streams=streams)
        for fixed in api.fixed:
            _answer(self.rest.root.resource_for_path(fixed.path), fixed)
        # The path "" is the base path itself.
        of_root = next((group.name for group in groups if "" in group.paths), api.fallback)
        _serve(self.rest.root, handlers[of_root])
        _serve(self.rest.root.resource_for_path("{proxy+}"), handlers[api.fallback])
        gateway_responses.add_gateway_responses(self.rest, api.name)
        self._attach(api)
        CfnOutput(self, "Url", description=f"The address of {api.name} without a domain", value=self.rest.url)

    def _rest_api(self, name: str, binary_types: list[str], *, traced: bool) -> apigateway.RestApi:
        log_group = log_group_of(self, f"/aws/apigateway/{name}")
        rest = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=name,
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            binary_media_types=binary_types or None,
            # With a domain, the API is reachable only through the domain.
            disable_execute_api_endpoint=self._front.domain is not None,
            cloud_watch_role=False,
            deploy_options=apigateway.StageOptions(
                stage_name=API_STAGE,
                access_log_destination=apigateway.LogGroupLogDestination(log_group),
                access_log_format=_access_log(),
                tracing_enabled=traced,
                # No metrics by method: each path is `{proxy+}`, so they say little. Those of the API are always there.
                throttling_rate_limit=REQUESTS_PER_SECOND,
                throttling_burst_limit=MAX_BURST,
            ),
        )
        for id_, reason in {
            "AwsSolutions-APIG2": _IN_THE_FUNCTION,
            "AwsSolutions-APIG4": _IN_THE_FUNCTION,
            "AwsSolutions-COG4": _IN_THE_FUNCTION,
            "AwsSolutions-APIG6": "The access log names every error. The execution log adds headers, which hold keys.",
        }.items():
            accept_finding(rest, id_, reason)
        return rest

    def _attach(self, api: Api) -> None:
        stage = self.rest.deployment_stage
        if self._front.firewall is None:
            accept_finding(
                stage,
                "AwsSolutions-APIG3",
                "A development deployment has no firewall (decision 20).",
            )
        elif self._deployment.has_feature("web_acl_association"):
            wafv2.CfnWebACLAssociation(
                self, "Firewall", resource_arn=stage.stage_arn, web_acl_arn=self._front.firewall.attr_arn
            )
        else:
            accept_finding(stage, "AwsSolutions-APIG3", "The local engine has no web ACL associations.")
        if self._front.domain:
            apigatewayv2.CfnApiMapping(
                self,
                "Mapping",
                api_id=self.rest.rest_api_id,
                stage=stage.stage_name,
                # The name and not a reference, so that a new domain is a change of this stack.
                domain_name=self._deployment.domain or "",
                api_mapping_key=api.base_path or None,
            )


def _serve(resource: apigateway.IResource, handler: lambda_.IFunction, *, streams: bool = False) -> None:
    integration = apigateway.LambdaIntegration(
        handler,
        scope_permission_to_method=False,
        response_transfer_mode=apigateway.ResponseTransferMode.STREAM if streams else None,
        timeout=MAX_STREAM_DURATION if streams else None,
    )
    resource.add_method("ANY", integration)


def _answer(resource: apigateway.IResource, fixed: FixedAnswer) -> None:
    """Answer every request with the same body, without a function."""
    media_type = "method.response.header.Content-Type"
    integration = apigateway.MockIntegration(
        # Forms have no template for JSON. Each of the two says the status of the answer.
        request_templates=dict.fromkeys(
            ("application/json", "application/x-www-form-urlencoded"), '{"statusCode": 200}'
        ),
        passthrough_behavior=apigateway.PassthroughBehavior.WHEN_NO_TEMPLATES,
        integration_responses=[
            apigateway.IntegrationResponse(
                status_code="200",
                response_parameters={media_type: f"'{fixed.media_type}; charset=utf-8'"},
                # API Gateway uses this template for every Accept header.
                response_templates={"application/json": fixed.body},
            )
        ],
    )
    answered = apigateway.MethodResponse(status_code="200", response_parameters={media_type: True})
    resource.add_method("ANY", integration, method_responses=[answered])


def _access_log() -> apigateway.AccessLogFormat:
    # No path, no query, no header and no body: they may contain secrets, as the path of an inbound trigger does. The
    # route names the resource alone. No text of a client or an error either: API Gateway does not escape a quote in it,
    # so a client could break the line or write fields of its own. `errorType` and the statuses say what happened.
    fields = {
        "requestId": "requestId",
        "at": "requestTimeEpoch",
        "sourceIp": "identity.sourceIp",
        "method": "httpMethod",
        "route": "resourcePath",
        "status": "status",
        "bytes": "responseLength",
        "ms": "responseLatency",
        "integrationMs": "integrationLatency",
        "integrationStatus": "integrationStatus",
        "errorType": "error.responseType",
        "firewall": "wafResponseCode",
        "trace": "xrayTraceId",
    }
    body = ",".join(f'"{name}":"$context.{variable}"' for name, variable in fields.items())
    return apigateway.AccessLogFormat.custom(f"{{{body}}}")
