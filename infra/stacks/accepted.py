"""Findings of cdk-nag that are meant to be so, each with its reason."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def accept(construct: IConstruct, finding: str, reason: str) -> None:
    """Accept one finding, by cdk-nag's id (`AwsSolutions-IAM5[Resource::*]`), on a construct and all in it."""
    Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))
