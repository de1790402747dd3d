"""The CDK's command line: a pinned version on the bundled Node, so that a machine needs neither."""
