"""Generated requests against the local stack: Schemathesis reads the served documents and looks for broken promises.

`python -m tests.fuzz` (`make fuzz`) starts a stack of its own and runs all phases over all documents.

- `runs.py` starts Schemathesis for one document and reads its report.
- `hooks.py` is loaded by Schemathesis: credentials for each operation, and ids of objects that exist.
- `settings.toml` is the configuration of Schemathesis.
"""
