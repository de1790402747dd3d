#!/bin/sh
# What the Lambda Web Adapter's wrapper starts in place of Python's runtime, which would know where the layers are.
# The adapter keeps its connections, and closes those that it no longer wants: the server never does so first.
export PYTHONPATH="$LAMBDA_TASK_ROOT:/opt/python"
exec python -m uvicorn functions.streams.app:app --host 127.0.0.1 --port "$AWS_LWA_PORT" --lifespan off \
    --no-access-log --no-server-header --log-level warning --timeout-keep-alive 3600
