"""Putting one object into S3: whole or in parts, under a condition, and begun again after an outage."""

from __future__ import annotations

import contextlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from seedbed.store.s3_client import code_of, is_absent, status_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PART_BYTES = 16 << 20
"""Larger objects go in parts of this size: an outage costs the parts under way, not the whole."""
AT_ONCE = 4
WRITER = "seedbed-writer"
"""Metadata that tells who put an object there."""


class Upload:
    """One object on its way. `send` may be called again after it raised: what has arrived is not sent again.

    A request whose answer was lost may have been done. Sent again under its condition it is refused, because
    of what it did itself; the writer's token in the object's metadata tells this from somebody else's work.
    """

    def __init__(
        self, client: S3Client, bucket: str, name: str, data: bytes, condition: dict[str, str]
    ) -> None:
        self._client = client
        self._at: dict[str, Any] = {"Bucket": bucket, "Key": name}
        self._data = data
        self._condition: dict[str, Any] = condition
        self._token = secrets.token_hex(16)
        self._tried = False
        self._upload = ""
        self._etags: dict[int, str] = {}

    def send(self) -> bool:
        """Try once; False when the condition does not hold."""
        again, self._tried = self._tried, True
        try:
            if len(self._data) > PART_BYTES:
                self._send_parts()
            else:
                self._client.put_object(**self._at, **self._condition, **self._named(), Body=self._data)
        except ClientError as error:
            if self._was_refused(error):
                return again and self._is_there()
            if code_of(error) != "NoSuchUpload":
                raise
            if again and self._is_there():
                return True
            self._upload, self._etags = "", {}
            raise
        return True

    def abandon(self) -> None:
        """Let the store forget the parts of an upload that will not be completed, if it can be told."""
        if self._upload:
            with contextlib.suppress(ClientError, BotoCoreError):
                self._client.abort_multipart_upload(**self._at, UploadId=self._upload)

    def _send_parts(self) -> None:
        if not self._upload:
            self._upload = self._client.create_multipart_upload(**self._at, **self._named())["UploadId"]
        count = -(-len(self._data) // PART_BYTES)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(self._send_part, set(range(1, count + 1)) - set(self._etags)):
                pass
        parts: Any = [{"PartNumber": number, "ETag": self._etags[number]} for number in sorted(self._etags)]
        self._client.complete_multipart_upload(
            **self._at, **self._condition, UploadId=self._upload, MultipartUpload={"Parts": parts}
        )
        self._upload = ""

    def _send_part(self, number: int) -> None:
        part = self._data[(number - 1) * PART_BYTES : number * PART_BYTES]
        sent = self._client.upload_part(**self._at, UploadId=self._upload, PartNumber=number, Body=part)
        self._etags[number] = sent["ETag"]

    def _named(self) -> dict[str, Any]:
        return {"Metadata": {WRITER: self._token}}

    def _was_refused(self, error: ClientError) -> bool:
        """Whether the condition did not hold: AWS has no 412 for a swap of what is absent."""
        return bool(self._condition) and (status_of(error) == 412 or is_absent(error))

    def _is_there(self) -> bool:
        """Whether what stands there is this very upload."""
        try:
            return self._client.head_object(**self._at)["Metadata"].get(WRITER) == self._token
        except ClientError as error:
            if is_absent(error):
                return False
            raise
