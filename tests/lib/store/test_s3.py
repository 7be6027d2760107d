"""What an S3 store does when server, network or credentials do not do as they are told."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from botocore.exceptions import ClientError

from seedbed.errors import InvalidConfig, StoreUnavailable
from seedbed.store import Store, open_store, outage
from seedbed.store.s3 import S3Store, open_bucket
from seedbed.store.s3_upload import PART_BYTES, Upload
from tests.lib.answering import answering
from tests.lib.store.meddler import LOST, SLOW_DOWN, Meddler
from tests.lib.store.seaweed import BUCKET, READ_ONLY, SECRET, Seaweed, free_ports

USES: dict[str, Callable[[Store], object]] = {
    "read": lambda store: store.read("state"),
    "read many": lambda store: list(store.read_many(["state", "other"])),
    "write": lambda store: store.write("state", b"new"),
    "create": lambda store: store.create("state", b"new"),
    "swap": lambda store: store.swap("state", b"new", '"etag"'),
    "list": lambda store: list(store.list("")),
    "delete": lambda store: store.delete("state"),
    "point": lambda store: store.point("latest-full", "one"),
}
CHANGES = {name: USES[name] for name in ("write", "create", "delete", "point")}


@pytest.fixture
def s3(s3_url: str) -> S3Store:
    return open_bucket(s3_url)


@pytest.fixture
def meddler(s3_url: str, seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Meddler]:
    """Between the server and every store that is opened after it."""
    proxy = Meddler(seaweed.endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.endpoint)
    yield proxy
    proxy.close()


def one_line(raised: pytest.ExceptionInfo[Exception]) -> str:
    text = str(raised.value)
    assert "\n" not in text
    assert SECRET not in text
    return text


@pytest.mark.parametrize("use", [USES[name] for name in USES if name != "swap"])  # its etag came from there
def test_a_bucket_that_is_not_there_is_named_with_where_it_was_looked_for(
    s3_environment: None, seaweed: Seaweed, use: Callable[[Store], object]
) -> None:
    store = open_store("s3://no-such-bucket/runs")
    with pytest.raises(InvalidConfig) as raised:
        use(store)
    expected = (
        f"store s3://no-such-bucket/runs: {seaweed.endpoint} has no such bucket; make it, or name another"
    )
    assert one_line(raised) == expected


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("AWS_SECRET_ACCESS_KEY", "another-secret", "SignatureDoesNotMatch"),
        ("AWS_ACCESS_KEY_ID", "unknown-key", "InvalidAccessKeyId"),
    ],
)
def test_refused_credentials_are_told_and_not_shown(
    s3_url: str,
    monkeypatch: pytest.MonkeyPatch,
    use: Callable[[Store], object],
    variable: str,
    value: str,
    told: str,
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(
        InvalidConfig, match=rf"{told}.*AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    ) as raised:
        use(open_store(s3_url))
    assert value not in one_line(raised)


def test_credentials_that_are_missing_or_half_there_are_told(
    s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(InvalidConfig, match=r"PartialCredentialsError.*AWS_SECRET_ACCESS_KEY say which"):
        open_store(s3_url)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    store = open_store(s3_url)
    for use in (USES["read"], USES["read many"], USES["write"]):
        with pytest.raises(InvalidConfig, match=r"no credentials for .*AWS_SECRET_ACCESS_KEY say which"):
            use(store)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_an_identity_may_not_do_is_told(
    s3: S3Store, s3_url: str, monkeypatch: pytest.MonkeyPatch, change: Callable[[Store], object]
) -> None:
    s3.write("other", b"data")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", READ_ONLY)
    reader = open_store(s3_url)
    assert reader.read("other") == b"data"
    with pytest.raises(InvalidConfig, match=r"refuses (Put|Delete)Object \(AccessDenied\)") as raised:
        change(reader)
    assert one_line(raised).startswith(s3_url)


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (
            301,
            b"",
            "redirects; AWS_ENDPOINT_URL_S3 has to name the address that it leads to; is it https://?",
        ),
        (
            307,
            b"",
            "redirects; AWS_ENDPOINT_URL_S3 has to name the address that it leads to; is it https://?",
        ),
        (
            308,
            b"",
            "redirects; AWS_ENDPOINT_URL_S3 has to name the address that it leads to; is it https://?",
        ),
        (
            403,
            b"<Error><Code>RequestTimeTooSkewed</Code></Error>",
            "has another time (RequestTimeTooSkewed); set the clock of this machine",
        ),
    ],
    ids=["301", "307", "308", "clock"],
)
@pytest.mark.parametrize(
    "use", [USES["read"], USES["read many"], USES["list"]], ids=["read", "read many", "list"]
)
def test_a_server_that_cannot_be_used_so_is_told_in_one_line(
    s3_environment: None,
    monkeypatch: pytest.MonkeyPatch,
    use: Callable[[Store], object],
    status: int,
    body: bytes,
    told: str,
) -> None:
    with answering() as server:
        server.answer = (status, body)
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.address)
        with pytest.raises(InvalidConfig) as raised:
            use(open_store("s3://experiments"))
        assert one_line(raised).endswith(f"{server.address} {told}")
        assert len(server.asked) <= 3


@pytest.mark.parametrize("value", ["a-key\n", "a-key\r", " a-key", "a\r\nkey"])
@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
def test_a_line_break_in_a_key_is_refused_at_once_and_not_shown(
    s3_environment: None, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidConfig, match=f"^S3: {variable}: found a line break") as raised:
        open_store("s3://experiments")
    assert "key" not in one_line(raised)


class Clock:
    """Time that passes while somebody sleeps, and never else."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_server_that_is_not_there_is_told_when_patience_is_over(
    s3_environment: None, monkeypatch: pytest.MonkeyPatch, use: Callable[[Store], object]
) -> None:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://somebody:a-password@{address}")
    monkeypatch.setenv("SEEDBED_STORE_PATIENCE", "0.3")
    clock = Clock()
    monkeypatch.setattr(outage, "time", clock)
    with pytest.raises(StoreUnavailable) as raised:
        use(open_store("s3://experiments/runs"))
    assert clock.now == pytest.approx(0.3)
    assert one_line(raised) == (
        f"s3://experiments/runs: http://{address} cannot be reached (Connection refused); "
        "run the same command again when it is back"
    )


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("s3://", "'' is no bucket's name"),
        ("s3://Bucket", "'Bucket' is no bucket's name"),
        ("s3://bucket/../other", "is not a key"),
        ("s3://key:a-secret@bucket", "an address carries no credentials"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused_and_no_secret_repeated(url: str, told: str) -> None:
    with pytest.raises(InvalidConfig, match=told) as raised:
        open_store(url)
    assert "a-secret" not in str(raised.value)


def test_an_endpoint_that_is_no_address_is_refused(
    s3_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "a-password@nowhere")
    with pytest.raises(InvalidConfig, match="AWS_ENDPOINT_URL_S3") as raised:
        open_store("s3://experiments")
    assert "a-password" not in str(raised.value)


def test_addresses_are_the_shortest_that_open_the_store_again(s3_environment: None) -> None:
    assert open_store("s3://experiments").url == open_store("s3://experiments/").url == "s3://experiments"
    store = open_store("s3://experiments/a/b/")
    assert store.url == "s3://experiments/a/b"
    assert (store.place(""), store.place("c/d")) == ("s3://experiments/a/b", "s3://experiments/a/b/c/d")


def test_stores_in_one_bucket_do_not_see_each_other(s3_url: str) -> None:
    one, other = open_store(f"{s3_url}/one"), open_store(f"{s3_url}/one-more")
    one.write("a", b"data")
    assert list(other.list("")) == []
    assert list(open_store(s3_url).list("")) == ["one/a"]


@pytest.mark.parametrize(("said", "seconds"), [("", 600.0), ("7.5", 7.5), ("0", 0.0)])
def test_the_patience_is_ten_minutes_or_what_the_environment_says(
    s3_url: str, monkeypatch: pytest.MonkeyPatch, said: str, seconds: float
) -> None:
    monkeypatch.setenv("SEEDBED_STORE_PATIENCE", said)
    assert open_store(s3_url).patience == seconds


@pytest.mark.parametrize("said", ["soon", "-1", "nan"])
def test_a_patience_that_is_no_number_of_seconds_is_refused(
    s3_url: str, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setenv("SEEDBED_STORE_PATIENCE", said)
    with pytest.raises(InvalidConfig, match="SEEDBED_STORE_PATIENCE: found"):
        open_store(s3_url)


def test_an_outage_is_waited_out_and_costs_nothing(
    own_seaweed: Seaweed, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outage, "LONGEST_PAUSE", 0.5)
    store = open_store(f"s3://{BUCKET}")
    store.write("state", b"old")
    etag = str(store.etag("state"))
    changes: list[tuple[Callable[[], object], object]] = [
        (lambda: store.swap("state", b"new", etag), True),
        (lambda: list(store.read_many(["state", "absent"])), [("state", b"new"), ("absent", None)]),
    ]
    for change, expected in changes:
        own_seaweed.kill()
        back = threading.Timer(0.5, own_seaweed.start)
        back.start()
        assert change() == expected
        back.join()
    assert "waiting for it, up to 600 s" in caplog.text
    assert "is back after" in caplog.text


def test_after_an_outage_that_outlasts_the_patience_the_old_bytes_are_there(own_seaweed: Seaweed) -> None:
    store = open_store(f"s3://{BUCKET}")
    store.write("state", b"old")
    own_seaweed.kill()
    store.patience = 1.5
    with pytest.raises(StoreUnavailable, match=r"cannot be reached \(.*\), tried for [12] s; run the same"):
        store.write("state", b"new")
    own_seaweed.start()
    assert store.read("state") == b"old"


def test_signal_handlers_run_while_it_waits_and_may_end_the_wait(
    s3_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_ports(1)[0]}")
    monkeypatch.setattr(outage, "FIRST_PAUSE", 60.0)
    store = open_store(f"s3://{BUCKET}")

    def give_up(*_: object) -> None:
        store.patience = 0

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, 0.7)
    began = time.monotonic()
    try:
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            store.read("state")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert 0.6 < time.monotonic() - began < 3


def test_a_throttled_request_is_asked_again(meddler: Meddler, s3_url: str) -> None:
    store = open_store(s3_url)
    store.write("state", b"data")
    meddler.instead += [(b"GET", SLOW_DOWN)] * 3
    assert store.read("state") == b"data"
    meddler.instead += [(b"GET", SLOW_DOWN)] * 3
    keys = ["state"] * 20
    assert list(store.read_many(keys)) == [("state", b"data")] * 20
    assert not meddler.instead
    store.patience = 0
    meddler.instead.append((b"GET", SLOW_DOWN))
    with pytest.raises(StoreUnavailable, match="answers 503 SlowDown"):
        store.read("state")


def test_one_that_created_a_key_and_lost_the_answer_has_created_it(meddler: Meddler, s3_url: str) -> None:
    store = open_store(s3_url)
    meddler.instead += [(b"PUT", LOST)] * 2
    assert store.create("result.json", b"same")
    assert not meddler.instead
    meddler.instead.append((b"PUT", LOST))
    assert not store.create("result.json", b"same")
    assert not meddler.instead
    assert store.read("result.json") == b"same"


def test_one_that_swapped_and_lost_the_answer_has_swapped(meddler: Meddler, s3_url: str) -> None:
    store = open_store(s3_url)
    store.write("lease", b"one")
    etag = store.etag("lease")
    assert etag
    meddler.instead.append((b"PUT", LOST))
    assert store.swap("lease", b"two", etag)
    meddler.instead.append((b"PUT", LOST))
    assert not store.swap("lease", b"three", etag)
    assert not meddler.instead
    assert store.read("lease") == b"two"


def test_a_large_body_goes_in_parts_and_is_there_whole_or_not_at_all(s3: S3Store, seaweed: Seaweed) -> None:
    data = bytes(range(251)) * (5 * PART_BYTES // 2 // 251)
    s3.write("big", data)
    assert s3.read("big") == data
    assert not s3.create("big", data[::-1])
    assert s3.create("other", data[::-1])
    etag = s3.etag("big")
    assert etag
    assert s3.swap("big", data[::-1], etag)
    assert not s3.swap("big", data, etag)
    assert dict(s3.read_many(["big"]))["big"] == s3.read("other") == data[::-1]
    assert list(s3.list("")) == ["big", "other"]
    with closing(seaweed.client()) as client:
        assert "Uploads" not in client.list_multipart_uploads(Bucket=BUCKET)


def test_parts_that_got_lost_are_sent_again(meddler: Meddler, s3_url: str) -> None:
    store = open_store(s3_url)
    data = bytes(range(251)) * (4 * PART_BYTES // 251)
    meddler.instead += [(b"PUT", LOST), (b"PUT", SLOW_DOWN)]
    assert store.create("big", data)
    assert not meddler.instead
    assert store.read("big") == data
    # The upload is begun, two parts and the rest arrive, and it is completed, by requests of which each gets lost.
    meddler.instead += [(b"POST", LOST), (b"PUT", LOST), (b"POST", SLOW_DOWN), (b"POST", LOST)]
    assert store.create("bigger", data)
    assert not meddler.instead
    assert store.read("bigger") == data


def test_an_upload_that_the_server_has_forgotten_is_begun_anew(s3_url: str, seaweed: Seaweed) -> None:
    data = bytes(2 * PART_BYTES)
    with closing(seaweed.client()) as client:
        upload = Upload(client, BUCKET, "forgotten", data, {"IfNoneMatch": "*"})
        forgotten = client.create_multipart_upload(Bucket=BUCKET, Key="forgotten")["UploadId"]
        client.abort_multipart_upload(Bucket=BUCKET, Key="forgotten", UploadId=forgotten)
        upload._upload, upload._etags = forgotten, {1: '"etag"'}
        with pytest.raises(ClientError, match="NoSuchUpload"):
            upload.send()
        assert upload.send()
        assert client.head_object(Bucket=BUCKET, Key="forgotten")["ContentLength"] == len(data)


def test_more_keys_than_fit_a_page_are_listed_in_order(s3: S3Store) -> None:
    names = [f"{number % 7}/{number:04}" for number in range(1050)]
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda name: s3.write(f"many/{name}", b""), names):
            pass
    assert list(s3.list("many")) == sorted(f"many/{name}" for name in names)
    s3.delete("many/0/0000")
    assert len(list(s3.list(""))) == 1049


def test_a_reader_sees_all_of_one_run_or_all_of_another(s3: S3Store) -> None:
    keys = [f"sweeps/kd/latest-full/{number}" for number in range(10)]
    for run in ("one", "two"):
        for number in range(10):
            s3.write(f"sweeps/kd/{run}/{number}", run.encode())
    s3.point("sweeps/kd/latest-full", "sweeps/kd/one")
    stop = threading.Event()

    def turn() -> None:
        for run in itertools.cycle(("two", "one")):
            s3.point("sweeps/kd/latest-full", f"sweeps/kd/{run}")
            if stop.is_set():
                return

    turning = threading.Thread(target=turn)
    turning.start()
    try:
        seen = {frozenset(data for _, data in s3.read_many(keys)) for _ in range(30)}
    finally:
        stop.set()
        turning.join()
    assert seen == {frozenset({b"one"}), frozenset({b"two"})}


def test_a_folder_store_needs_no_boto3() -> None:
    script = (
        "import sys; from seedbed.store import open_store; open_store('runs').read('a');"
        "sys.exit('boto3' in sys.modules or 'obstore' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
