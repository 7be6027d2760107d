"""A real S3 server for tests: SeaweedFS from its PyPI wheel, on ports of its own, gone without a trace."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WEED: Final = Path(sys.executable).with_name("weed")
BUCKET: Final = "experiments"
KEY: Final = "a-key-for-tests"
SECRET: Final = "a-secret-for-tests"  # noqa: S105
READ_ONLY: Final = "another-key-for-tests"
PORTS: Final = ("master", "volume", "filer", "s3")

GUARD: Final = """
import json, pathlib, shutil, subprocess, sys
told = json.loads(sys.argv[1])
server = subprocess.Popen(told["command"], stdin=subprocess.DEVNULL, cwd=told["folder"])
said = sys.stdin.read()
server.kill()
server.wait()
for path in told["sockets"]:
    pathlib.Path(path).unlink(missing_ok=True)
if said != "keep":
    shutil.rmtree(told["folder"])
"""
"""Runs the server until the tests close its stdin, or are gone: then even their files go."""


class Seaweed:
    """A server with one bucket and two identities; it can be killed and started again on what it has."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="seaweed-"))
        ports = free_ports(2 * len(PORTS))
        self._ports = dict(zip(PORTS, zip(ports[::2], ports[1::2], strict=True), strict=True))
        self._guard: subprocess.Popen[bytes] | None = None
        identities = [
            _identity("writer", KEY, ["Admin", "Read", "Write", "List"]),
            _identity("reader", READ_ONLY, ["Read", "List"]),
        ]
        (self._folder / "s3.json").write_text(json.dumps({"identities": identities}))

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._ports['s3'][0]}"

    @property
    def environment(self) -> dict[str, str]:
        """The ordinary variables by which a client finds it, and nothing else."""
        nothing = str(self._folder / "no-such-file")
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_CONFIG_FILE": nothing,
            "AWS_SHARED_CREDENTIALS_FILE": nothing,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def start(self) -> None:
        """Start the server and wait until the bucket can be written; raises with its log when it cannot."""
        # weed puts sockets there, and leaves them.
        pairs = [(f"{name}-{http}", f"{name}-grpc-{grpc}") for name, (http, grpc) in self._ports.items()]
        sockets = [f"/tmp/seaweedfs-{name}.sock" for pair in pairs for name in pair]  # noqa: S108
        told = {"command": self._command(), "folder": str(self._folder), "sockets": sockets}
        with (self._folder / "log").open("ab") as log:
            self._guard = subprocess.Popen(
                [sys.executable, "-c", GUARD, json.dumps(told)], stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 60
        while not self._is_ready():
            if time.monotonic() > deadline:
                raise RuntimeError((self._folder / "log").read_text()[-3000:])
            time.sleep(0.05)

    def kill(self) -> None:
        """End the server at once, as a power cut would; its files stay."""
        if self._guard is not None:
            self._guard.communicate(b"keep")
            self._guard = None

    def remove(self) -> None:
        """End the server and remove its files."""
        self.kill()
        shutil.rmtree(self._folder)

    def _command(self) -> list[str]:
        options = {
            "dir": str(self._folder),
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "master.peers": "none",  # alone, it need not wait for an election
            "master.electionTimeout": "1s",
            "master.telemetry": "false",
            "volume.max": "30",
            "volume.minFreeSpacePercent": "0",
            "s3.config": str(self._folder / "s3.json"),
            "s3.autoCreateBucket": "false",
            "s3.port.iceberg": "0",
            "s3.port.lance": "0",
        }
        for name, (http, grpc) in self._ports.items():
            options |= {f"{name}.port": str(http), f"{name}.port.grpc": str(grpc)}
        told = [f"-{name}={value}" for name, value in options.items()]
        return [str(WEED), "-logtostderr", "server", "-filer", "-s3", *told]

    def _is_ready(self) -> bool:
        with closing(self.client()) as client:
            try:
                if BUCKET not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
                    client.create_bucket(Bucket=BUCKET)
                client.put_object(Bucket=BUCKET, Key="ready", Body=b"")
                client.delete_object(Bucket=BUCKET, Key="ready")
            except (BotoCoreError, ClientError):
                return False
        return True

    def client(self) -> S3Client:
        """A client of its own for what a store cannot do."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _identity(name: str, key: str, actions: list[str]) -> dict[str, object]:
    return {"name": name, "credentials": [{"accessKey": key, "secretKey": SECRET}], "actions": actions}
