"""A store in an S3 bucket, on AWS or anything that speaks S3 with conditional writes, such as SeaweedFS."""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from seedbed.errors import InvalidConfig
from seedbed.store import POINTER, RESERVED, check_key, check_pointer
from seedbed.store.outage import patience_from_environment, wait_out
from seedbed.store.s3_client import CONNECTIONS, connect, endpoint_of, is_absent, translated
from seedbed.store.s3_upload import Upload

if TYPE_CHECKING:
    from obstore.store import S3Store as FastStore

Answer = TypeVar("Answer")
Share = list[tuple[str, bool, bytes | None]]
"""Keys, whether each could be asked for, and its bytes or None."""

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
SHARE = 32
"""Objects that a thread of `read_many` reads one after the other: handing over each by itself costs as much again."""

AHEAD = 2 * CONNECTIONS
"""Shares that `read_many` has under way or holds, so that threads read while its caller looks at what there is."""


def open_bucket(url: str) -> S3Store:
    """The store at s3://bucket or s3://bucket/prefix; raises InvalidConfig. The bucket is not asked for yet."""
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    if "@" in bucket:  # what stands before it may be a secret
        raise InvalidConfig("store s3://…@…: an address carries no credentials; expected s3://bucket/prefix")
    if not BUCKET.fullmatch(bucket):
        raise InvalidConfig(f"store {url!r}: {bucket!r} is no bucket's name; expected s3://bucket/prefix")
    prefix = prefix.strip("/")
    try:
        return S3Store(bucket, prefix and check_key(prefix))
    except ValueError as error:
        raise InvalidConfig(f"store {url!r}: {error}") from None


class S3Store:
    """Keys are objects below a prefix of a bucket.

    A pointer `a/latest-x` is the small object `a/.seedbed-latest-x`, which holds its target's last segment. An
    outage is waited out for `patience` seconds in each operation, in the thread that asked.
    """

    def __init__(self, bucket: str, prefix: str = "", patience: float | None = None) -> None:
        self.url = f"s3://{bucket}/{prefix}".removesuffix("/")
        self.patience = patience_from_environment() if patience is None else patience
        self._bucket = bucket
        self._root = f"{prefix}/" if prefix else ""
        self._client, self._session = connect()
        self._endpoint = endpoint_of(self._client)

    def read(self, key: str) -> bytes | None:
        """The bytes of a key; None when it is absent."""
        check_key(key)
        return self._patiently(key, lambda: self._get(self._resolved(key)))

    def read_many(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Each key, in order, with its bytes or None; a pointer is followed once for all keys."""
        remaining = self._resolved_all(keys)
        ahead: deque[Future[Share]] = deque()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            while True:
                while len(ahead) < AHEAD and (share := list(itertools.islice(remaining, SHARE))):
                    ahead.append(pool.submit(self._read_share, share))
                if not ahead:
                    return
                for key, known, data in ahead.popleft().result():
                    yield key, data if known else self.read(key)

    def write(self, key: str, data: bytes) -> None:
        """Set a key; large bodies go in parts, and are there when the last has arrived."""
        self._put(key, data)

    def create(self, key: str, data: bytes) -> bool:
        """Set a key that is absent; False when something stands there that was not put there by this call."""
        return self._put(key, data, IfNoneMatch="*")

    def etag(self, key: str) -> str | None:
        """The object's ETag; None when the key is absent."""
        check_key(key)

        def ask() -> str | None:
            try:
                return self._client.head_object(Bucket=self._bucket, Key=self._root + self._resolved(key))[
                    "ETag"
                ]
            except ClientError as error:
                if is_absent(error):
                    return None
                raise

        return self._patiently(key, ask)

    def swap(self, key: str, data: bytes, etag: str) -> bool:
        """Set a key whose etag is still this one; False when it is another or the key is absent."""
        return self._put(key, data, IfMatch=etag)

    def list(self, prefix: str) -> Iterator[str]:
        """All keys under a prefix, sorted; "" for everything."""
        folder = check_key(prefix.removesuffix("/")) if prefix else ""

        def ask() -> Iterator[str]:
            below = f"{self._root}{self._resolved(folder)}/" if folder else self._root
            return iter(sorted(self._names(below, f"{folder}/" if folder else "")))

        return self._patiently(prefix, ask)

    def delete(self, key: str) -> None:
        """Remove a key or a pointer; one that is absent is no error."""
        folder, slash, last = check_key(key).rpartition("/")
        names = [last, RESERVED + last] if last.startswith(POINTER) else [last]

        def ask() -> None:
            above = f"{self._root}{self._resolved(folder)}{slash}" if folder else self._root
            for name in names:
                self._client.delete_object(Bucket=self._bucket, Key=above + name)

        self._patiently(key, ask)

    def point(self, name: str, target: str) -> None:
        """Put the name of `target` into the pointer's object, in place of the one before."""
        folder, last, aim = check_pointer(name, target)
        self._upload(name, f"{folder}/{RESERVED}{last}" if folder else RESERVED + last, aim.encode(), {})

    def place(self, key: str) -> str:
        """The address of a key or prefix."""
        return f"{self.url}/{key}".rstrip("/")

    def _put(self, key: str, data: bytes, **condition: str) -> bool:
        return self._upload(
            key, self._patiently(check_key(key), lambda: self._resolved(key)), data, condition
        )

    def _upload(self, key: str, name: str, data: bytes, condition: dict[str, str]) -> bool:
        upload = Upload(self._client, self._bucket, self._root + name, data, condition)
        try:
            return self._patiently(key, upload.send)
        finally:
            upload.abandon()

    def _get(self, name: str) -> bytes | None:
        try:
            return self._client.get_object(Bucket=self._bucket, Key=self._root + name)["Body"].read()
        except ClientError as error:
            if is_absent(error):
                return None
            raise

    def _names(self, below: str, shown_as: str) -> Iterator[str]:
        """The keys of the objects below a prefix; what is the store's own, or marks a folder, is left out."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=below)
        for page in pages:
            for found in page.get("Contents", []):
                name = found["Key"].removeprefix(below)
                if name and not name.endswith("/") and f"/{RESERVED}" not in f"/{name}":
                    yield shown_as + name

    def _resolved(self, key: str) -> str:
        """The key with every pointer in it replaced by its target."""
        segments = key.split("/")
        for index, segment in enumerate(segments):
            if segment.startswith(POINTER):
                target = self._get("/".join([*segments[:index], RESERVED + segment]))
                segments[index] = segment if target is None else target.decode()
        return "/".join(segments)

    def _resolved_all(self, keys: Iterable[str]) -> Iterator[tuple[str, str]]:
        """The keys, each with its pointers replaced: those of one folder all at once."""
        known: dict[str, str] = {}
        for key in keys:
            folder, slash, last = check_key(key).rpartition("/")
            if folder not in known:
                known[folder] = self._patiently(folder, partial(self._resolved, folder))
            yield key, f"{known[folder]}{slash}{last}"

    def _read_share(self, share: Iterable[tuple[str, str]]) -> Share:
        return [(key, *self._read_fast(name)) for key, name in share]

    def _read_fast(self, name: str) -> tuple[bool, bytes | None]:
        """Whether an object could be asked for by way of obstore, which costs a tenth, and its bytes or None.

        Nothing is waited for in a thread: what goes wrong here, `read` waits out or tells.
        """
        import obstore

        try:
            return True, bytes(obstore.get(self._fast, self._root + name).bytes())
        except FileNotFoundError as error:
            return "NoSuchBucket" not in str(error), None
        except Exception:
            return False, None

    @cached_property
    def _fast(self) -> FastStore:
        # Loaded at the first bulk read: its threads must not be there yet when a process forks.
        from obstore.auth.boto3 import Boto3CredentialProvider
        from obstore.store import S3Store as FastStore

        return FastStore(
            self._bucket,
            endpoint=self._endpoint,
            region=self._client.meta.region_name,
            virtual_hosted_style_request=False,
            credential_provider=Boto3CredentialProvider(self._session),
            client_options={"allow_http": True, "timeout": "60s", "connect_timeout": "5s"},
            retry_config={"max_retries": 0},
        )

    def _patiently(self, key: str, ask: Callable[[], Answer]) -> Answer:
        def once() -> Answer:
            return translated(ask, self.url, self.place(key), self._endpoint)

        return wait_out(self.url, lambda: self.patience, once)
