"""Writes the skeleton of a new noun: `make noun NAME=surveys`."""
