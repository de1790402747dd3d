"""Kills of any process of the local stack while clients work: nothing that was answered 2xx is lost."""
