"""Accepted findings of cdk-nag, each with its reason."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def accept_finding(construct: IConstruct, finding: str, reason: str) -> None:
    """Accept a finding on a construct and its children, by cdk-nag's id (`AwsSolutions-IAM5[Resource::*]`)."""
    Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))
