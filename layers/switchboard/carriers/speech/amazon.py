"""Amazon Transcribe, by batch jobs that read and write in our buckets (docs/decisions/0015-transcribe-jobs.md)."""

from __future__ import annotations

import json
from typing import Any

from switchboard.aws import clients, objects
from switchboard.carriers.speech import (
    LANGUAGE,
    AudioSource,
    JobFailedError,
    JobGoneError,
    RefusedError,
    ThrottledError,
    Transcription,
    UnreadableAudioError,
)

_FORMATS = {
    "audio/flac": "flac",
    "audio/mp4": "mp4",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/webm": "webm",
}
#: The languages of batch jobs, of each language first the variant that stands in for a variant that is missing.
_LANGUAGES = (
    *("en-US", "en-AB", "en-AU", "en-GB", "en-IE", "en-IN", "en-NZ", "en-WL", "en-ZA", "es-US", "es-ES"),
    *("fr-FR", "fr-CA", "pt-BR", "pt-PT", "de-DE", "de-CH", "it-IT", "nl-NL", "pl-PL", "sv-SE", "da-DK"),
    *("tr-TR", "ru-RU", "ar-AE", "ar-SA", "zh-CN", "zh-TW", "ja-JP", "ko-KR", "hi-IN", "ta-IN", "te-IN"),
    *("id-ID", "ms-MY", "th-TH", "vi-VN", "he-IL", "fa-IR", "af-ZA"),
)
_TRANSIENT = frozenset(
    {
        "InternalFailureException",
        "LimitExceededException",
        "RequestTimeout",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "ThrottlingException",
    }
)
#: Beginnings of the sentences with which a job names damaged media as its failure.
_MEDIA_FAILURES = ("The media format", "The data in your input media", "Invalid ", "The input media")
#: S3's errors for an object that is not there. Without the right to list, it says that access is denied.
_GONE = frozenset({"NoSuchKey", "AccessDenied"})
#: A transcript of an hour has about 4 MB: each word with its times.
_MAX_TRANSCRIPT_BYTES = 16_000_000


class AmazonTranscribe:
    """Batch jobs. The result of a job is an object beside the audio, and only the organization's prefix holds it."""

    def start(self, audio: AudioSource, job: str, language: str = LANGUAGE) -> None:
        """Starts a job. The second start of a name changes nothing."""
        if audio.media_type not in _FORMATS:
            raise UnreadableAudioError(f"no format for {audio.media_type}")
        bucket = objects.bucket_name(audio.bucket)
        _ask(
            "start_transcription_job",
            "ConflictException",
            TranscriptionJobName=job,
            LanguageCode=_choose_language(language),
            MediaFormat=_FORMATS[audio.media_type],
            Media={"MediaFileUri": f"s3://{bucket}/{audio.key}"},
            OutputBucketName=bucket,
            OutputKey=_result_key(audio),
        )

    def has_job(self, job: str) -> bool:
        """Whether Transcribe has a job of this name. It keeps jobs for 90 days."""
        return _ask("get_transcription_job", "BadRequestException", TranscriptionJobName=job) is not None

    def fetch(self, audio: AudioSource, job: str, language: str = LANGUAGE) -> Transcription | None:
        """Returns the result of a job, or `None` while it runs."""
        answer = _ask("get_transcription_job", "BadRequestException", TranscriptionJobName=job)
        if answer is None:
            # A concurrent request with the same audio may have finished this job and deleted it.
            raise JobGoneError("the job is gone")
        found = answer["TranscriptionJob"]
        if found["TranscriptionJobStatus"] == "FAILED":
            reason = str(found.get("FailureReason", ""))
            raise (UnreadableAudioError if reason.startswith(_MEDIA_FAILURES) else JobFailedError)(reason)
        if found["TranscriptionJobStatus"] != "COMPLETED":
            return None
        try:
            result = objects.read_object(audio.bucket, _result_key(audio), _MAX_TRANSCRIPT_BYTES, 0)
        except (clients.ClientError, clients.BotoCoreError) as error:
            if isinstance(error, clients.ClientError) and clients.error_code(error) in _GONE:
                raise JobFailedError("the result is gone") from error
            raise ThrottledError("the result cannot be read") from error
        return _transcription(result.content, found.get("LanguageCode", language))

    def forget(self, audio: AudioSource, job: str) -> None:
        """Deletes the job and its result. The audio stays."""
        deleted = _ask("delete_transcription_job", "BadRequestException", TranscriptionJobName=job) is not None
        # Amazon refuses to delete a running job with the code of a job that does not exist.
        if not deleted and self.has_job(job):
            raise ThrottledError("the job still runs")
        try:
            objects.delete_object(audio.bucket, _result_key(audio))
        except (clients.ClientError, clients.BotoCoreError) as error:
            raise ThrottledError("the result cannot be deleted") from error


def _choose_language(wanted: str) -> str:
    """Returns a language that Transcribe knows: a voice may have another variant, such as `es-MX`, or none."""
    if wanted in _LANGUAGES:
        return wanted
    first = wanted.split("-", maxsplit=1)[0].lower()
    return next((one for one in _LANGUAGES if one.startswith(f"{first}-")), LANGUAGE)


def _result_key(audio: AudioSource) -> str:
    return f"{audio.key}.json"


def _ask(operation: str, harmless: str, **request: Any) -> Any:
    """Returns the service's answer, or `None` for the `harmless` error. Raises ThrottledError or RefusedError."""
    try:
        return getattr(clients.get_client("transcribe"), operation)(**request)
    except clients.ClientError as error:
        code = clients.error_code(error)
        if code == harmless:
            return None
        raise (ThrottledError(code) if code in _TRANSIENT else RefusedError(code)) from error
    except clients.BotoCoreError as error:
        raise ThrottledError(type(error).__name__) from error


def _transcription(content: bytes, language: str) -> Transcription:
    try:
        results = json.loads(content)["results"]
        text = " ".join(one["transcript"] for one in results["transcripts"]).strip()
        ends = [float(item["end_time"]) for item in results["items"] if "end_time" in item]
    except (KeyError, TypeError, ValueError) as error:
        raise JobFailedError("the result has an unknown form") from error
    return Transcription(text, language, max(ends, default=0.0))
