#!/bin/sh
# The Lambda Web Adapter's wrapper starts this script instead of Python's runtime, so it must set the layers' path itself.
# The adapter reuses its connections and closes them itself. The server must never close one first.
export PYTHONPATH="$LAMBDA_TASK_ROOT:/opt/python"
exec python -m uvicorn functions.hum.streams.app:app --host 127.0.0.1 --port "$AWS_LWA_PORT" --lifespan off \
    --no-access-log --no-server-header --log-level warning --timeout-keep-alive 3600
