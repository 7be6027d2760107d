"""The connection to S3, and what its errors mean to a person. Nothing here repeats what a server said of keys."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
)
from botocore.exceptions import ConnectionError as ConnectionFailed

from seedbed.errors import InvalidConfig, SeedbedError, StoreUnavailable
from seedbed.store.outage import Passing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Answer = TypeVar("Answer")

CONNECT_SECONDS = 5
READ_SECONDS = 60
CONNECTIONS = 16

NOT_IMPLEMENTED = 501
"""What a server answers that has no conditional writes: it will not learn them in ten minutes."""

UNREACHABLE = (ConnectionFailed, HTTPClientError, IncompleteReadError)
NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)
WRONG_CREDENTIALS = {
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "TokenRefreshRequired",
}
PASSING = {
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "TooManyRequests",
    "RequestTimeout",
    "OperationAborted",
    "ConditionalRequestConflict",
    "NoSuchUpload",
}
"""Codes below 500 after which the same request may do better; NoSuchUpload: the upload is begun anew."""

CREDENTIAL_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
CREDENTIALS_HINT = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY say which are used"


class Redirected(Exception):
    """A server that is not AWS leads to another address."""


def connect() -> tuple[S3Client, boto3.session.Session]:
    """A client and its session: endpoint, region and credentials from the ordinary AWS variables and files.

    A request is sent once: repeating it is left to the store, which knows what a lost answer means.
    """
    _refuse_stray_characters()
    try:
        session = boto3.session.Session(
            region_name=os.environ.get("AWS_REGION")
        )  # boto3 reads AWS_DEFAULT_REGION
        client = session.client(
            "s3",
            region_name=session.region_name or "us-east-1",  # whatever S3 it is off AWS, it takes this
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                max_pool_connections=CONNECTIONS,
                retries={"mode": "standard", "total_max_attempts": 1},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path"},
            ),
        )
    except NO_CREDENTIALS as error:
        raise InvalidConfig(
            f"S3: no whole credentials ({type(error).__name__}); {CREDENTIALS_HINT}"
        ) from None
    except (BotoCoreError, ValueError) as error:
        # The text may quote an address with a password in it; its class says enough.
        raise InvalidConfig(
            f"S3: {type(error).__name__}: AWS_ENDPOINT_URL_S3, AWS_REGION or AWS_PROFILE cannot be used"
        ) from None
    if not endpoint_of(client).endswith((".amazonaws.com", ".amazonaws.com.cn")):
        client.meta.events.register("before-call.s3.HeadBucket", _redirected)
    return client, session


def _refuse_stray_characters() -> None:
    """A line break after a key, as files of secrets have it, would break every request off, and not be told."""
    for name in CREDENTIAL_VARIABLES:
        value = os.environ.get(name, "")
        if value != value.strip() or not value.isprintable():
            raise InvalidConfig(
                f"S3: {name}: found a line break, a tab or a blank at an end, expected the bare value"
            )


def _redirected(**_: object) -> None:
    """After a redirect botocore asks for the bucket's region, by a request that is redirected, and so on."""
    raise Redirected


def endpoint_of(client: S3Client) -> str:
    """The address that requests go to, without what may stand before its host."""
    parts = urlsplit(client.meta.endpoint_url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")


def code_of(error: ClientError) -> str:
    """The error's code; for a HEAD request, which has none, its status."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: ClientError) -> int:
    """The HTTP status."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def is_absent(error: ClientError) -> bool:
    """Whether an object is not there, and its bucket is, as far as the answer tells."""
    return status_of(error) == 404 and code_of(error) not in {"NoSuchBucket", "NoSuchUpload"}


def translated(ask: Callable[[], Answer], bucket: str, place: str, endpoint: str) -> Answer:
    """What `ask` answers; raises Passing, InvalidConfig or StoreUnavailable for what S3 and botocore raise."""
    try:
        return ask()
    except ClientError as error:
        raise _meaning(error, bucket, place, endpoint) from None
    except UNREACHABLE as error:
        raise Passing(f"{endpoint} cannot be reached ({_reason(error)})") from None
    except NO_CREDENTIALS as error:
        raise InvalidConfig(
            f"{place}: no credentials for {endpoint} ({type(error).__name__}); {CREDENTIALS_HINT}"
        ) from None
    except Redirected:
        raise _leads_elsewhere(place, endpoint) from None
    except BotoCoreError as error:
        raise InvalidConfig(f"{place}: {type(error).__name__} with {endpoint}") from None


def _meaning(error: ClientError, bucket: str, place: str, endpoint: str) -> SeedbedError | Passing:
    code, status = code_of(error), status_of(error)
    if (status >= 500 and status != NOT_IMPLEMENTED) or status == 429 or code in PASSING:
        return Passing(f"{endpoint} answers {status} {code}")
    if code == "NoSuchBucket":
        return InvalidConfig(f"store {bucket}: {endpoint} has no such bucket; make it, or name another")
    if code in WRONG_CREDENTIALS:
        return InvalidConfig(f"{place}: {endpoint} refuses the credentials ({code}); {CREDENTIALS_HINT}")
    if code == "RequestTimeTooSkewed":
        return InvalidConfig(f"{place}: {endpoint} has another time ({code}); set the clock of this machine")
    if 300 <= status < 400:
        return _leads_elsewhere(place, endpoint)
    if status == 403:
        return InvalidConfig(
            f"{place}: {endpoint} refuses {error.operation_name} ({code}): wrong credentials, or they do not "
            f"allow it; {CREDENTIALS_HINT}"
        )
    return StoreUnavailable(f"{place}: {endpoint} answers {status} {code} to {error.operation_name}")


def _leads_elsewhere(place: str, endpoint: str) -> InvalidConfig:
    secure = "; is it https://?" if endpoint.startswith("http://") else ""
    return InvalidConfig(
        f"{place}: {endpoint} redirects; AWS_ENDPOINT_URL_S3 has to name the address that it leads to{secure}"
    )


def _reason(error: BotoCoreError) -> str:
    """Why a connection failed, in the system's words."""
    if isinstance(error, ConnectTimeoutError):
        return f"no connection within {CONNECT_SECONDS} s"
    if isinstance(error, ReadTimeoutError):
        return f"no answer within {READ_SECONDS} s"
    cause: BaseException | None = error.kwargs.get("error") or error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return "the connection broke off"
