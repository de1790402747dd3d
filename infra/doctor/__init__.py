"""Looks at an account before a deployment: what CloudFormation would find after minutes, or nobody before production.

`checks.py` has the checks, `__main__.py` the command. All requests read only.
"""
