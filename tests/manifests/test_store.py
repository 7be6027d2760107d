"""The store's identities, against a real SeaweedFS: what each may do, and that nobody's keys change by themselves."""

from __future__ import annotations

import importlib.util
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.lib.store.seaweed import Seaweed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

STORE = Path(__file__).parents[2] / "manifests" / "components" / "store"
BUCKET = "seedbed"


def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("identities", STORE / "identities.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


class Store(Seaweed):
    """A server with the identities of the manifests beside its own."""

    def __init__(self, secrets: Path) -> None:
        super().__init__()
        module().main(secrets)
        self.secrets = secrets
        file = self._folder / "s3.json"
        more = json.loads((secrets / "identities.json").read_text())["identities"]
        file.write_text(json.dumps({"identities": json.loads(file.read_text())["identities"] + more}))

    def keys(self, name: str) -> dict[str, str]:
        lines = (self.secrets / f"{name}.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def make_bucket(self) -> str:
        """Run what the cluster's job runs."""
        told = {**os.environ, **self.environment, **self.keys("admin"), "SEEDBED_STORE": f"s3://{BUCKET}"}
        command = [sys.executable, str(STORE / "bucket.py")]
        return subprocess.run(command, env=told, check=True, capture_output=True, text=True).stdout

    def identity(self, name: str) -> S3Client:
        keys = self.keys(name)
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    server = Store(tmp_path_factory.mktemp("overlay") / "secrets")
    try:
        server.start()
        server.make_bucket()
        yield server
    finally:
        server.remove()


def outcome(call: Callable[..., Any], **arguments: Any) -> str:
    """What S3 says: ok, or the code of its refusal."""
    try:
        answer = call(Bucket=BUCKET, **arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return str(answer["Errors"][0]["Code"]) if answer.get("Errors") else "ok"


EXPIRY = {"Rules": [{"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]}


def rights(store: Store, name: str) -> dict[str, str]:
    """What comes of everything that an identity may try."""
    store.identity("collect").put_object(Bucket=BUCKET, Key="there", Body=b"x")
    s3 = store.identity(name)
    return {
        "get": outcome(s3.get_object, Key="there"),
        "list": outcome(s3.list_objects_v2),
        "put": outcome(s3.put_object, Key=f"by/{name}", Body=b"x"),
        "put what is there": outcome(s3.put_object, Key="there", Body=b"y", IfNoneMatch="*"),
        "delete many": outcome(s3.delete_objects, Delete={"Objects": [{"Key": "there"}]}),
        "let expire": outcome(s3.put_bucket_lifecycle_configuration, LifecycleConfiguration=EXPIRY),
        "open to all": outcome(s3.put_bucket_acl, ACL="public-read-write"),
        "drop policy": outcome(s3.delete_bucket_policy),
        "drop bucket": outcome(s3.delete_bucket),
        "delete": outcome(s3.delete_object, Key="there"),
    }


REFUSED = dict.fromkeys(("let expire", "open to all", "drop policy", "drop bucket"), "AccessDenied")


def test_a_trial_writes_and_deletes_nothing(store: Store) -> None:
    assert rights(store, "trial") == {
        **dict.fromkeys(("get", "list", "put"), "ok"),
        "put what is there": "PreconditionFailed",
        **dict.fromkeys(("delete", "delete many"), "AccessDenied"),
        **REFUSED,
    }


def test_a_collect_pod_may_delete_too(store: Store) -> None:
    assert rights(store, "collect") == {
        **dict.fromkeys(("get", "list", "put", "delete", "delete many"), "ok"),
        "put what is there": "PreconditionFailed",
        **REFUSED,
    }


def test_a_reader_reads(store: Store) -> None:
    assert rights(store, "reader") == {
        **dict.fromkeys(("get", "list"), "ok"),
        **dict.fromkeys(("put", "put what is there", "delete", "delete many"), "AccessDenied"),
        **REFUSED,
    }


def test_the_bucket_may_be_there_already(store: Store) -> None:
    assert store.make_bucket().splitlines() == ["seedbed: is there", "seedbed: has its policy"]


def test_keys_are_made_once_and_for_one_pair_of_eyes(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    module().main(folder)
    first = {path.name: path.read_text() for path in folder.iterdir()}
    module().main(folder)
    assert {path.name: path.read_text() for path in folder.iterdir()} == first
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}

    (folder / "trial.env").unlink()
    module().main(folder)
    again = {path.name: path.read_text() for path in folder.iterdir()}
    assert {name for name in first if first[name] != again[name]} == {"trial.env", "identities.json"}


def test_the_policy_names_identities_in_full() -> None:
    known = {f"arn:aws:iam::000000000000:user/{name}" for name in module().RIGHTS}
    for statement in json.loads((STORE / "policy.json").read_text())["Statement"]:
        named = statement["Principal"]["AWS"]
        assert {named} <= known if isinstance(named, str) else set(named) <= known
