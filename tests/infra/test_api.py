"""The four REST APIs, and the responses of API Gateway itself."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from infra import topology
from infra.resources import Api
from tests.infra.templates import Resource, Templates

apis = pytest.mark.parametrize("api", [pytest.param(api, id=api.name) for api in topology.APIS])

#: All response types of API Gateway, with their statuses.
REFUSALS = {
    "ACCESS_DENIED": 403,
    "API_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_FAILURE": 500,
    "BAD_REQUEST_BODY": 400,
    "BAD_REQUEST_PARAMETERS": 400,
    "DEFAULT_4XX": 400,
    "DEFAULT_5XX": 500,
    "EXPIRED_TOKEN": 401,
    "INTEGRATION_FAILURE": 503,
    "INTEGRATION_TIMEOUT": 503,
    "INVALID_API_KEY": 401,
    "INVALID_SIGNATURE": 401,
    "MISSING_AUTHENTICATION_TOKEN": 404,
    "QUOTA_EXCEEDED": 429,
    "REQUEST_TOO_LARGE": 413,
    "RESOURCE_NOT_FOUND": 404,
    "THROTTLED": 429,
    "UNAUTHORIZED": 401,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "WAF_FILTERED": 403,
}
#: The code of each dialect for each status (docs/contracts/common.md#errors-without-a-code).
CODES = {
    "anima": {
        400: "VALIDATION_ERROR",
        401: "UNAUTHORIZED",
        403: "FORBIDDEN",
        404: "NOT_FOUND",
        413: "PAYLOAD_TOO_LARGE",
        415: "UNSUPPORTED_MEDIA_TYPE",
        429: "RATE_LIMIT",
        500: "INTERNAL_ERROR",
        503: "SERVICE_UNAVAILABLE",
    },
    "opticomm": {
        400: "INVALID_ACTION",
        401: "INVALID_API_KEY",
        403: "PERMISSION_DENIED",
        404: "INVALID_ACTION",
        413: "INVALID_ACTION",
        415: "INVALID_ACTION",
        429: "RATE_LIMIT_EXCEEDED",
        500: "INTERNAL_ERROR",
        503: "INTERNAL_ERROR",
    },
    "athos": {
        400: "INVALID_REQUEST",
        401: "INVALID_API_KEY",
        403: "TENANT_INACTIVE",
        404: "INVALID_REQUEST",
        413: "INVALID_REQUEST",
        415: "INVALID_REQUEST",
        429: "SERVICE_UNAVAILABLE",
        500: "INTERNAL_ERROR",
        503: "SERVICE_UNAVAILABLE",
    },
    "hum": {
        400: "invalid_request",
        401: "unauthorized",
        403: "forbidden",
        404: "not_found",
        413: "payload_too_large",
        415: "unsupported_media_type",
        429: "rate_limited",
        500: "internal_error",
        503: "service_unavailable",
    },
    "mcp": {
        400: "invalid_request",
        401: "unauthorized",
        403: "forbidden",
        404: "not_found",
        413: "payload_too_large",
        415: "unsupported_media_type",
        429: "rate_limited",
        500: "internal_error",
        503: "service_unavailable",
    },
    **{
        name: dict.fromkeys((400, 401, 403, 404, 413, 415, 429, 500, 503), "")
        for name in ("callbacks", "twilio", "stripe")
    },
}
#: The form of each dialect's errors. A callback's response has a status only.
TYPES = {"anima": "application/problem+json", "callbacks": "text/plain", "twilio": "text/plain", "stripe": "text/plain"}


def read_code(api: str, body: dict[str, Any], status: int) -> str:
    """The code in a body, after the body's form was checked."""
    match api:
        case "anima":
            assert (body["status"], body["code"]) == (status, body["error"]["code"])
            assert body["type"].endswith(body["code"].lower().replace("_", "-"))
            return str(body["code"])
        case "opticomm":
            assert body["success"] is False
            return str(body["error"])
        case "athos":
            assert body["error"]["requestId"] == "$context.requestId", "header and body have the same request id"
            return str(body["error"]["code"])
        case "mcp":
            assert (body["jsonrpc"], body["id"], body["error"]["data"]["status"]) == ("2.0", None, status)
            return str(body["error"]["data"]["code"])
        case _:
            assert body["error"] == body["code"]
            assert body["details"] == []
            return str(body["code"])


def _text_fields(template: str) -> list[str]:
    """The texts for people in a body: of the top and of `error`, without the title."""
    body = json.loads(template or "{}")
    levels = [body, body["error"]] if isinstance(body.get("error"), dict) else [body]
    return [level[name] for level in levels for name in ("message", "detail", "error_message") if name in level]


@apis
@pytest.mark.parametrize(("kind", "status"), REFUSALS.items())
def test_api_gateway_refuses_in_the_dialect(full_deployment: Templates, api: Api, kind: str, status: int) -> None:
    refusal = find_resource(full_deployment, api, "GatewayResponse", ResponseType=kind)
    assert refusal["StatusCode"] == str(status)
    ((media_type, template),) = refusal["ResponseTemplates"].items()
    assert media_type == "application/json"
    code = read_code(api.name, json.loads(template), status) if template else ""
    assert code == CODES[api.name][status]
    assert all(": " in text for text in _text_fields(template)), "the text says what is wrong, and then what to do"
    headers = headers_of(refusal)
    assert headers["Content-Type"] == f"'{TYPES.get(api.name, 'application/json')}'"
    assert headers["x-request-id"] == "context.requestId"
    assert headers["Cache-Control"] == "'no-store'"
    assert ("WWW-Authenticate" in headers) == (status == 401)
    assert ("Retry-After" in headers) == (status in (429, 503))


@apis
def test_no_response_type_keeps_api_gateways_default_body(full_deployment: Templates, api: Api) -> None:
    stack = full_deployment.name("api", api.name)
    made = {one["ResponseType"] for one in full_deployment.all("AWS::ApiGateway::GatewayResponse", stack)}
    assert made == REFUSALS.keys(), (
        f"add {sorted(made - REFUSALS.keys())} to REFUSALS in {__file__}, and a response for "
        f"{sorted(REFUSALS.keys() - made)} to infra/stacks"
    )


@apis
def test_a_new_refusal_is_deployed(full_deployment: Templates, api: Api) -> None:
    deployment = find_resource(full_deployment, api, "Deployment")["resource"]
    refusals = [
        made["id"]
        for made in full_deployment.all("AWS::ApiGateway::GatewayResponse", full_deployment.name("api", api.name))
    ]
    assert set(refusals) <= set(deployment["DependsOn"])


@pytest.mark.parametrize(("api", "header"), [("anima", "x-correlation-id"), ("athos", "X-Athos-Request-Id")])
def test_a_dialects_own_header_is_on_its_refusals_too(full_deployment: Templates, api: str, header: str) -> None:
    stack = full_deployment.name("api", api)
    refusals = full_deployment.all("AWS::ApiGateway::GatewayResponse", stack)
    assert {headers_of(refusal)[header] for refusal in refusals} == {"context.requestId"}


def test_a_browser_can_read_refusals_of_api_gateway(full_deployment: Templates) -> None:
    for api in topology.APIS:
        for refusal in full_deployment.all("AWS::ApiGateway::GatewayResponse", full_deployment.name("api", api.name)):
            origin = headers_of(refusal).get("Access-Control-Allow-Origin")
            assert origin == ("'*'" if api.name in {"athos", "hum"} else None)


@apis
def test_every_path_of_the_topology_leads_to_its_group_by_any_method(full_deployment: Templates, api: Api) -> None:
    # A group may have the path "", the base path itself. Without such a group, the fallback serves it.
    expected = dict.fromkeys(("", "{proxy+}"), full_deployment.name(api.fallback))
    expected |= {
        path: full_deployment.name(group.name)
        for group in topology.GROUPS
        if group.api == api.name
        for path in group.paths
    }
    expected |= {fixed.path: "API Gateway" for fixed in api.fixed}
    made = routes(full_deployment, full_deployment.name("api", api.name))
    assert made == expected, (
        f"the stack of {api.name} in infra/stacks does not follow infra/topology.py at "
        f"{sorted(path for path, _ in made.items() ^ expected.items())}"
    )


def routes(full_deployment: Templates, stack: str) -> dict[str, str]:
    """The function behind each path."""
    resources = {made["id"]: made for made in full_deployment.all("AWS::ApiGateway::Resource", stack)}
    called = {made["id"]: made["FunctionName"] for made in full_deployment.all("AWS::Lambda::Alias", stack)}
    called |= {made["id"]: made["FunctionName"] for made in full_deployment.all("AWS::Lambda::Function", stack)}

    def path(id_: str) -> str:
        resource = resources.get(id_)
        return f"{path(resource['ParentId'])}/{resource['PathPart']}".removeprefix("/") if resource else ""

    found = {}
    for method in full_deployment.all("AWS::ApiGateway::Method", stack):
        assert method["HttpMethod"] == "ANY"
        assert method["AuthorizationType"] == "NONE"
        if method["Integration"]["Type"] == "MOCK":
            found[path(method["ResourceId"])] = "API Gateway"
            continue
        assert method["Integration"]["Type"] == "AWS_PROXY"
        # Every function's alias is named `live`. The template's own reference tells them apart.
        uri = full_deployment.stacks[stack]["Resources"][method["id"]]["Properties"]["Integration"]["Uri"]["Fn::Join"][
            1
        ]
        references = (part.get("Ref") or part["Fn::GetAtt"][0] for part in uri if isinstance(part, dict))
        (target,) = (reference for reference in references if reference in called)
        found[path(method["ResourceId"])] = called[target]
    return found


@pytest.mark.parametrize("form", ["application/json", "application/x-www-form-urlencoded"])
def test_api_gateway_apologizes_to_a_caller_without_a_function(full_deployment: Templates, form: str) -> None:
    (fixed,) = next(api for api in topology.APIS if api.name == "twilio").fixed
    (method,) = (
        made for made in full_deployment.all("AWS::ApiGateway::Method") if made["Integration"]["Type"] == "MOCK"
    )
    assert json.loads(method["Integration"]["RequestTemplates"][form]) == {"statusCode": 200}
    (answer,) = method["Integration"]["IntegrationResponses"]
    assert (answer["StatusCode"], answer["ResponseTemplates"]) == ("200", {"application/json": fixed.body})
    assert answer["ResponseParameters"] == {"method.response.header.Content-Type": "'text/xml; charset=utf-8'"}
    assert not set("$#") & set(fixed.body), "API Gateway would read the body as a template"


def test_only_streaming_groups_have_response_streaming(full_deployment: Templates) -> None:
    streaming = {group.name for group in topology.GROUPS if group.streaming}
    assert streaming
    for method in full_deployment.all("AWS::ApiGateway::Method"):
        integration = method["Integration"]
        if integration["Type"] == "MOCK":
            continue
        if any(full_deployment.name(name) in integration["Uri"] for name in streaming):
            assert (integration["ResponseTransferMode"], integration["TimeoutInMillis"]) == ("STREAM", 900_000)
            assert integration["Uri"].endswith("/response-streaming-invocations")
            assert "2021-11-15" in integration["Uri"]
        else:
            assert "ResponseTransferMode" not in integration
            assert integration["Uri"].endswith("/invocations")


def test_the_local_engine_is_not_asked_to_stream(for_engine: Templates) -> None:
    methods = for_engine.all("AWS::ApiGateway::Method")
    assert not [method for method in methods if "ResponseTransferMode" in method["Integration"]]


@apis
def test_api_gateway_may_call_the_functions_of_the_api(full_deployment: Templates, api: Api) -> None:
    stack = full_deployment.name("api", api.name)
    groups = [group for group in topology.GROUPS if group.api == api.name]
    permissions = list(full_deployment.all("AWS::Lambda::Permission", stack))
    assert len(permissions) == len(groups), "one permission per function: one per method would fill the stack"
    assert {made["Principal"] for made in permissions} == {"apigateway.amazonaws.com"}


@apis
def test_an_api_is_regional_and_accepts_files(full_deployment: Templates, api: Api) -> None:
    rest = find_resource(full_deployment, api, "RestApi")
    assert rest["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert rest.get("BinaryMediaTypes", []) == topology.binary_types(api)


@apis
def test_a_stage_is_traced_throttled_and_logged(full_deployment: Templates, api: Api) -> None:
    stage = find_resource(full_deployment, api, "Stage")
    assert stage["TracingEnabled"] is (api.name != "hum"), "the trace would show the tokens of triggers"
    (settings,) = stage["MethodSettings"]
    assert (settings["HttpMethod"], settings["ResourcePath"]) == ("*", "/*")
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (10_000, 5_000)
    assert settings["DataTraceEnabled"] is False
    assert not settings.get("MetricsEnabled"), "metrics of `{proxy+}` cost money and say little"
    logs = stage["AccessLogSetting"]
    assert logs["DestinationArn"] == f"/aws/apigateway/{full_deployment.name('api', api.name)}.Arn"
    line = json.loads(logs["Format"])
    assert {"requestId", "status", "ms", "errorType"} <= line.keys()
    # API Gateway escapes no quote in them, so a client could write fields of its own.
    assert not {"$context.error.message", "$context.identity.userAgent", "$context.integrationErrorMessage"} & {
        *line.values()
    }
    # `path` is the whole path, with the token of a trigger, and `resourcePath` names the resource alone.
    secrets = re.compile(r"header|query|path(?<!resourcepath)|uri", re.IGNORECASE)
    assert not [variable for variable in line.values() if secrets.search(variable)]


@apis
def test_every_stage_has_a_firewall(full_deployment: Templates, api: Api) -> None:
    association = next(full_deployment.all("AWS::WAFv2::WebACLAssociation", full_deployment.name("api", api.name)))
    assert association["WebACLArn"] == f"{full_deployment.name('front')}.Arn"
    assert association["ResourceArn"].endswith(f"/stages/{find_resource(full_deployment, api, 'Stage')['id']}")


def test_the_firewall_blocks_by_address_and_only_counts_by_body(full_deployment: Templates) -> None:
    firewall = full_deployment.one("AWS::WAFv2::WebACL")
    assert firewall["Scope"] == "REGIONAL"
    assert firewall["DefaultAction"] == {"Allow": {}}
    rules = sorted(firewall["Rules"], key=lambda rule: rule["Priority"])
    assert [next(iter(rule.get("OverrideAction", rule.get("Action")))) for rule in rules] == [
        "None",
        *["Block"] * 5,
        "Count",
        "Count",
    ], "a rule set that reads bodies must block nothing: HTML mail triggers it"
    reputation, rate, *small, bad_inputs, anonymous = (rule["Statement"] for rule in rules)
    assert bad_inputs["ManagedRuleGroupStatement"]["Name"] == "AWSManagedRulesKnownBadInputsRuleSet"
    assert anonymous["ManagedRuleGroupStatement"]["Name"] == "AWSManagedRulesAnonymousIpList"
    assert reputation["ManagedRuleGroupStatement"] == {
        "Name": "AWSManagedRulesAmazonIpReputationList",
        "VendorName": "AWS",
    }
    assert rate["RateBasedStatement"]["AggregateKeyType"] == "IP"
    limits = {}
    for rule in small:
        found = rule["RateBasedStatement"]
        match = found["ScopeDownStatement"]["ByteMatchStatement"]
        assert (found["AggregateKeyType"], match["FieldToMatch"]) == ("IP", {"UriPath": {}})
        limits[match["PositionalConstraint"], match["SearchString"]] = found["Limit"]
    assert limits == {
        ("CONTAINS", "/v1/agent/"): 120,
        ("CONTAINS", "/api/triggers/inbound/"): 6_000,
        ("CONTAINS", "/api/widget/"): 3_000,
        ("ENDS_WITH", "/mcp"): 6_000,
    }


def test_the_firewall_logs_what_it_blocks_and_counts_without_secrets(full_deployment: Templates) -> None:
    logging = full_deployment.one("AWS::WAFv2::LoggingConfiguration")
    group = full_deployment.one("AWS::Logs::LogGroup", LogGroupName=f"aws-waf-logs-{full_deployment.name('front')}")
    (destination,) = logging["LogDestinationConfigs"]
    assert destination.endswith(f":log-group:{group['LogGroupName']}")
    assert logging["LoggingFilter"]["DefaultBehavior"] == "DROP"
    assert {"SingleHeader": {"Name": "authorization"}} in logging["RedactedFields"]
    # The path of an inbound trigger has its token.
    assert {"UriPath": {}} in logging["RedactedFields"]
    assert {"QueryString": {}} in logging["RedactedFields"]


def test_a_small_group_of_strangers_has_a_limit_by_address() -> None:
    """Few environments, and no session of the console: one address must not take them all."""
    callbacks = {"callbacks", "twilio", "stripe"}  # a signature is checked without a look-up
    small = [
        group for group in topology.GROUPS if group.reserved and group.api not in callbacks and not group.streaming
    ]
    assert small
    missing = [group.name for group in small if group.address_per_minute is None]
    assert not missing, f"give {missing} an address_per_minute in infra/topology.py, or say here why it needs none"


@apis
def test_every_api_has_a_base_path_on_the_domain(full_deployment: Templates, api: Api) -> None:
    mapping = next(full_deployment.all("AWS::ApiGatewayV2::ApiMapping", full_deployment.name("api", api.name)))
    assert mapping["DomainName"] == "api.example.com"
    assert mapping.get("ApiMappingKey") == (api.base_path or None)
    assert find_resource(full_deployment, api, "RestApi")["DisableExecuteApiEndpoint"] is True, (
        "with a domain there is one entry point"
    )


def test_the_domain_is_regional_and_speaks_tls_1_2(full_deployment: Templates) -> None:
    domain = full_deployment.one("AWS::ApiGateway::DomainName")
    assert domain["DomainName"] == "api.example.com"
    assert domain["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert domain["SecurityPolicy"] == "TLS_1_2"
    assert domain["RegionalCertificateArn"].startswith("arn:aws:acm:")


def test_without_a_domain_each_api_has_its_own_address(bare_deployment: Templates) -> None:
    assert not list(bare_deployment.all("AWS::ApiGatewayV2::ApiMapping"))
    assert not any(rest.get("DisableExecuteApiEndpoint") for rest in bare_deployment.all("AWS::ApiGateway::RestApi"))


def find_resource(templates: Templates, api: Api, kind: str, **properties: str) -> Resource:
    """The only resource of a type in an API's stack."""
    made = templates.all(f"AWS::ApiGateway::{kind}", templates.name("api", api.name))
    (found,) = (each for each in made if all(each[name] == value for name, value in properties.items()))
    return found


def headers_of(refusal: Resource) -> dict[str, str]:
    """The headers of a gateway response."""
    return {
        name.removeprefix("gatewayresponse.header."): value for name, value in refusal["ResponseParameters"].items()
    }
