"""A bucket of an S3-compatible server. Files are created under the condition that there is none of their name."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

from mainstay.model.errors import ConfigError, Refused, StepFailed, Unreachable
from mainstay.model.setting import SecretRef, Setting
from mainstay.model.units import Duration, Size
from mainstay.system import secrets
from mainstay.vault.copies.remotes.remote import CHUNK, Exists, Missing, Remote, Stored, hashed
from mainstay.vault.store import Work

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from types_boto3_s3.client import S3Client

_WHOLE = 1 << 30  # bytes: larger files are sent in parts, and then the server has no SHA-256 of the whole
_PART = 256 << 20  # times 10,000 parts, the most that S3 takes: 2.5 TB
_CHECKED: Any = {"ChecksumAlgorithm": "SHA256"}
_WRONG = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "AuthorizationHeaderMalformed", "Forbidden", "403"}
_BUSY = {"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "500", "502", "503", "504"}


@dataclass(frozen=True)
class S3Settings:
    """A bucket."""

    bucket: Annotated[str, Setting("the name of the bucket, which must exist", example="acme-backups")]
    key_id: Annotated[SecretRef, Setting("where the access key id is", example="{file: /etc/mainstay/s3_key_id}")]
    secret: Annotated[SecretRef, Setting("where the secret access key is", example="{file: /etc/mainstay/s3_secret}")]
    prefix: Annotated[str, Setting("what every name begins with", example="shop/")] = ""
    endpoint: Annotated[str | None, Setting("the server; without it, Amazon's", example="https://s3.example.org")] = None
    region: Annotated[str, Setting("the region of the bucket")] = "us-east-1"
    timeout: Annotated[Duration, Setting("the longest that the server may be silent", ge=1, example="60s")] = Duration(60)


@contextmanager
def s3(settings: S3Settings) -> Iterator[Remote]:
    """Make a client, and close its connections at the end; nothing is asked yet."""
    client = _client(settings)
    try:
        yield S3(settings, client)
    finally:
        client.close()


@dataclass(frozen=True)
class S3:
    """A bucket of files. A server that does not know conditions would write a file over with the same content."""

    settings: S3Settings
    client: S3Client
    whole: int = _WHOLE
    part: int = _PART

    def put(self, name: str, source: Path, sha256: str, work: Work) -> None:
        """Create it whole, or in parts where it is large; the server compares every byte with a checksum."""
        with self._told(name), _Body(source, work) as body:
            if source.stat().st_size > self.whole:
                self._put_parts(name, body, work)
            else:
                self.client.put_object(**self._key(name), Body=body, ChecksumSHA256=_base64(sha256), IfNoneMatch="*")

    def read(self, name: str) -> Iterator[bytes]:
        """Read it."""
        with self._told(name):
            yield from self.client.get_object(**self._key(name))["Body"].iter_chunks(CHUNK)

    def sha256(self, name: str, work: Work) -> str:
        """Ask for the checksum of the whole; read it back where the server has none."""
        with self._told(name):
            told = self.client.head_object(**self._key(name), ChecksumMode="ENABLED")
        in_parts = "-" in told["ETag"]  # then the checksum is one of the checksums of the parts
        if in_parts or "ChecksumSHA256" not in told:
            return hashed(self.read(name), work)
        return base64.b64decode(told["ChecksumSHA256"]).hex()

    def list(self, prefix: str) -> Iterator[Stored]:
        """List page by page."""
        start = self.settings.prefix
        with self._told(prefix):
            for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.settings.bucket, Prefix=start + prefix):
                for found in page.get("Contents", ()):
                    yield Stored(found["Key"].removeprefix(start), Size(found["Size"]))

    def delete(self, name: str) -> None:
        """Remove it."""
        with self._told(name):
            self.client.delete_object(**self._key(name))

    def tidy(self, name: str) -> None:
        """Do nothing: parts of a killed upload are seen by nobody, and go by the bucket's own lifecycle rule."""

    def _put_parts(self, name: str, body: BinaryIO, work: Work) -> None:
        """Send parts, each with its checksum; a failure forgets them all."""
        upload = {**self._key(name), "UploadId": self.client.create_multipart_upload(**self._key(name), **_CHECKED)["UploadId"]}
        done: list[Any] = []
        with ExitStack() as unfinished:
            unfinished.callback(self.client.abort_multipart_upload, **upload)
            while part := body.read(self.part):
                number = len(done) + 1
                told = self.client.upload_part(**upload, **_CHECKED, PartNumber=number, Body=part)
                done.append({"PartNumber": number, "ETag": told["ETag"], "ChecksumSHA256": told.get("ChecksumSHA256", "")})
                work.moved(len(part))
            self.client.complete_multipart_upload(**upload, MultipartUpload={"Parts": done}, IfNoneMatch="*")
            unfinished.pop_all()

    def _key(self, name: str) -> Any:
        return {"Bucket": self.settings.bucket, "Key": self.settings.prefix + name}

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """Say what went wrong."""
        from botocore.exceptions import BotoCoreError, ClientError

        on = f"s3://{self.settings.bucket}/{self.settings.prefix}{name}"
        try:
            yield
        except ClientError as error:
            raise _failure(error, on) from error
        except (BotoCoreError, ConnectionError, TimeoutError) as error:
            because, next = str(error), "look at `endpoint`, and try again later"
            raise Unreachable("the S3 server does not answer", on=on, because=because, next=next) from error


def _failure(error: ClientError, on: str) -> Exception:
    code, because = error.response["Error"].get("Code", ""), str(error)
    if code in ("PreconditionFailed", "412", "ConditionalRequestConflict"):
        return Exists("this name is taken", on=on)
    if code in ("NoSuchKey", "404", "NotFound"):
        return Missing("a file is not there", on=on)
    if code == "NoSuchBucket":
        return Refused("there is no such bucket", on=on, because=because, next="make it, or correct `bucket`")
    if code in _WRONG:
        next = "look at key_id and secret, and at what they may do with this bucket"
        return Refused("the S3 server does not accept our credentials", on=on, because=because, next=next)
    if code in _BUSY:
        return Unreachable("the S3 server cannot answer now", on=on, because=because, next="try again later")
    return StepFailed("the S3 server refused", on=on, because=because)


class _Body(io.FileIO):
    """A file that lets the work be stopped while it is sent."""

    def __init__(self, path: Path, work: Work) -> None:
        super().__init__(path)
        self._work = work

    def read(self, size: int | None = -1, /) -> bytes:
        """Read on."""
        self._work.pulse()
        return super().read(-1 if size is None else size)


def _client(settings: S3Settings) -> S3Client:
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise ConfigError("S3 needs boto3", next="pip install 'mainstay[s3]'") from error
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if settings.endpoint else "auto"},
        retries={"mode": "standard", "total_max_attempts": 2},
        connect_timeout=min(10, settings.timeout),
        read_timeout=settings.timeout,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    client: S3Client = boto3.client(
        "s3",
        endpoint_url=settings.endpoint,
        region_name=settings.region,
        aws_access_key_id=secrets.resolve(settings.key_id).reveal(),
        aws_secret_access_key=secrets.resolve(settings.secret).reveal(),
        config=config,
    )
    return client


def _base64(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()
