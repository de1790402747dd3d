"""The firewall of all APIs: what it blocks, what it only counts, and its log."""

from __future__ import annotations

import re

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from infra import topology
from infra.resources import Group
from infra.stacks.deployment import Deployment

#: Requests that one address may make in five minutes. This stops floods, and must not limit a customer: a single
#: address may use a whole scale plan, which allows 2,000 requests per second.
MAX_REQUESTS_PER_ADDRESS = 600_000
#: Amazon's rule sets that only count. The first inspects bodies, and HTML mail triggers such rules; many customers' own
#: servers are in the second. The log says who would have been blocked.
COUNTED = {"BadInputs": "AWSManagedRulesKnownBadInputsRuleSet", "AnonymousAddress": "AWSManagedRulesAnonymousIpList"}
#: Headers that hold keys. They stay out of the log, and so does the path, which holds the token of an inbound trigger.
SECRET_HEADERS = ("authorization", "x-api-key", "cookie")


class Firewall(Construct):
    """The web ACL and its log of blocked and counted requests."""

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        super().__init__(scope, "WebAcl")
        name = deployment.resource_name("front")
        limits = [(group, limit) for group in topology.GROUPS if (limit := group.address_per_minute) is not None]
        blocking = [
            _managed("Reputation", "AWSManagedRulesAmazonIpReputationList", 0, counts=False),
            _rule("PerAddress", 1, MAX_REQUESTS_PER_ADDRESS, 300),
            *(_group_rule(group, limit, priority) for priority, (group, limit) in enumerate(limits, start=2)),
        ]
        counting = [
            _managed(rule, managed, priority, counts=True)
            for priority, (rule, managed) in enumerate(COUNTED.items(), start=len(blocking))
        ]
        self.acl = wafv2.CfnWebACL(
            self,
            "Firewall",
            name=name,
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_seen_as("Firewall"),
            rules=[*blocking, *counting],
        )
        if deployment.has_feature("web_acl_logging"):
            self._log(name)

    def _log(self, name: str) -> None:
        # The firewall writes only to log groups whose names begin like this.
        group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"aws-waf-logs-{name}",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        conditions = [{"ActionCondition": {"Action": action}} for action in ("BLOCK", "COUNT", "EXCLUDED_AS_COUNT")]
        wafv2.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=self.acl.attr_arn,
            # Without the `:*` that the ARN of a log group ends with.
            log_destination_configs=[
                f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:{group.log_group_name}"
            ],
            # Requests that no rule meets are in the access log, so they are not paid for twice.
            logging_filter={
                "DefaultBehavior": "DROP",
                "Filters": [{"Behavior": "KEEP", "Requirement": "MEETS_ANY", "Conditions": conditions}],
            },
            redacted_fields=[
                *(
                    wafv2.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": header})
                    for header in SECRET_HEADERS
                ),
                wafv2.CfnLoggingConfiguration.FieldToMatchProperty(uri_path={}),
                wafv2.CfnLoggingConfiguration.FieldToMatchProperty(query_string={}),
            ],
        )


def _managed(name: str, managed: str, priority: int, *, counts: bool) -> wafv2.CfnWebACL.RuleProperty:
    how = {"count": {}} if counts else {"none": {}}
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        override_action=wafv2.CfnWebACL.OverrideActionProperty(**how),
        statement=wafv2.CfnWebACL.StatementProperty(
            managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                vendor_name="AWS", name=managed
            )
        ),
        visibility_config=_seen_as(name),
    )


def _group_rule(group: Group, limit: int, priority: int) -> wafv2.CfnWebACL.RuleProperty:
    """Returns the rule that keeps a group of few environments, or one for strangers, from being taken by one address.

    The limits of the functions count a stranger only after its credential was looked up.
    """
    name = "PerAddress" + "".join(word.capitalize() for word in re.split("[/_]", group.name))
    return _rule(name, priority, limit, 60, _path_of(group))


def _rule(
    name: str, priority: int, limit: int, seconds: int, only: wafv2.CfnWebACL.StatementProperty | None = None
) -> wafv2.CfnWebACL.RuleProperty:
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        action=wafv2.CfnWebACL.RuleActionProperty(block={}),
        statement=wafv2.CfnWebACL.StatementProperty(
            rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                aggregate_key_type="IP", limit=limit, evaluation_window_sec=seconds, scope_down_statement=only
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
