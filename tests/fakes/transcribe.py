"""Amazon Transcribe's client: jobs in memory, whose results a test says."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from switchboard.aws import clients


class TranscribeService:
    """Keeps jobs until they are deleted. `looks` says how often a job is still running."""

    def __init__(self, text: str = "", *, looks: int = 0, failure: str = "") -> None:
        self.text, self.looks, self.failure = text, looks, failure
        self.jobs: dict[str, dict[str, Any]] = {}
        self.started: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self.written: set[str] = set()

    def start_transcription_job(self, **request: Any) -> dict[str, Any]:
        self._fail("StartTranscriptionJob")
        name = request["TranscriptionJobName"]
        if name in self.jobs:
            raise _error("ConflictException", "StartTranscriptionJob")
        self.started.append(request)
        self.written.discard(name)
        self.jobs[name] = request
        return {}

    def get_transcription_job(self, TranscriptionJobName: str) -> dict[str, Any]:  # noqa: N803
        self._fail("GetTranscriptionJob")
        if TranscriptionJobName not in self.jobs:
            raise _error("BadRequestException", "GetTranscriptionJob")
        request = self.jobs[TranscriptionJobName]
        status = "COMPLETED"
        if self.looks > 0:
            self.looks -= 1
            status = "IN_PROGRESS"
        elif self.failure:
            status = "FAILED"
        elif TranscriptionJobName not in self.written:
            # A job writes its result once.
            self.written.add(TranscriptionJobName)
            self._write(request)
        found = {"TranscriptionJobStatus": status, "LanguageCode": request["LanguageCode"]}
        return {"TranscriptionJob": found | ({"FailureReason": self.failure} if status == "FAILED" else {})}

    def delete_transcription_job(self, TranscriptionJobName: str) -> dict[str, Any]:  # noqa: N803
        self._fail("DeleteTranscriptionJob")
        if TranscriptionJobName in self.jobs and self.looks > 0:
            raise _error("BadRequestException", "DeleteTranscriptionJob")  # it runs
        if self.jobs.pop(TranscriptionJobName, None) is None:
            raise _error("BadRequestException", "DeleteTranscriptionJob")
        return {}

    def refuse(self, code: str) -> None:
        """Raises an error of the service."""
        raise _error(code, "Operation")

    def _write(self, request: dict[str, Any]) -> None:
        words = self.text.split()
        items = [
            {"type": "pronunciation", "end_time": f"{at + 0.5}", "alternatives": [{"content": word}]}
            for at, word in enumerate(words)
        ]
        results = {"transcripts": [{"transcript": self.text}], "items": [*items, {"type": "punctuation"}]}
        clients.get_client("s3").put_object(
            Bucket=request["OutputBucketName"], Key=request["OutputKey"], Body=json.dumps({"results": results}).encode()
        )

    def _fail(self, operation: str) -> None:
        if self.errors:
            raise _error(self.errors.pop(0), operation)


def _error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)
