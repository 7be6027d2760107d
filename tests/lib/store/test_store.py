"""What every store promises, whatever it is made of."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seedbed.errors import InvalidConfig
from seedbed.store import Store, open_store

RACERS = 4

RACER = """
import sys
from seedbed.store import open_store

store, name = open_store(sys.argv[1]), sys.argv[2]

def count(times):
    for _ in range(times):
        etag, value = store.etag("counter"), store.read("counter")
        while not store.swap("counter", b"%d" % (int(value) + 1), etag):
            etag, value = store.etag("counter"), store.read("counter")
    return "done"

print("ready", flush=True)
for line in sys.stdin:
    action, *given = line.split()
    if action == "create":
        print(store.create(given[0], name.encode()), flush=True)
    if action == "swap":
        print(store.swap(given[0], name.encode(), given[1]), flush=True)
    if action == "count":
        print(count(int(given[0])), flush=True)
"""


def rounds(store: Store) -> int:
    """How often they race; SeaweedFS lets some of the losers wait for a second."""
    return 4 if store.url.startswith("s3://") else 20


class Racers:
    """Processes of their own that all do the same thing at the same time."""

    def __init__(self, processes: list[subprocess.Popen[str]]) -> None:
        self._processes = processes
        self._answers()

    def do(self, action: str) -> list[str]:
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(action + "\n")
            process.stdin.flush()
        return self._answers()

    def _answers(self) -> list[str]:
        return [
            process.stdout.readline().strip() for process in self._processes if process.stdout is not None
        ]


@contextmanager
def racers(store: Store) -> Iterator[Racers]:
    with ExitStack() as stack:
        commands = ([sys.executable, "-c", RACER, store.url, f"racer-{number}"] for number in range(RACERS))
        yield Racers(
            [
                stack.enter_context(
                    subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                )
                for command in commands
            ]
        )


def test_what_is_written_is_read_and_a_later_write_replaces_it(store: Store) -> None:
    for data in (b"first", b"", bytes(range(256)) * 5000):
        store.write("trials/mnist/0f3a/config.json", data)
        assert store.read("trials/mnist/0f3a/config.json") == data


def test_a_store_that_nobody_wrote_to_is_empty(store: Store) -> None:
    assert store.read("trials/config.json") is None
    assert store.etag("trials/config.json") is None
    assert not store.swap("trials/config.json", b"data", "some etag")
    assert list(store.list("")) == list(store.list("trials")) == []
    store.delete("trials/config.json")


def test_a_prefix_of_keys_is_itself_no_key(store: Store) -> None:
    store.write("trials/config.json", b"data")
    assert store.read("trials") is None
    assert store.etag("trials") is None
    assert store.read("trials/config.json/deeper") is None
    store.delete("trials")
    assert store.read("trials/config.json") == b"data"


def test_create_sets_an_absent_key_and_leaves_a_present_one(store: Store) -> None:
    assert store.create("result.json", b"first")
    assert not store.create("result.json", b"second")
    assert store.read("result.json") == b"first"


def test_of_processes_that_create_one_key_exactly_one_wins(store: Store) -> None:
    with racers(store) as race:
        for number in range(rounds(store)):
            key = f"results/{number}.json"
            answers = race.do(f"create {key}")
            assert sorted(answers) == ["False"] * (RACERS - 1) + ["True"]
            assert store.read(key) == f"racer-{answers.index('True')}".encode()


def test_an_etag_changes_with_the_bytes_and_stands_still_without(store: Store) -> None:
    store.write("lease", b"one")
    first = store.etag("lease")
    assert first is not None
    assert store.etag("lease") == first
    store.write("lease", b"two")
    assert store.etag("lease") not in {first, None}


def test_swap_replaces_only_what_its_etag_was_taken_of(store: Store) -> None:
    store.write("lease", b"one")
    old = store.etag("lease")
    assert old is not None
    assert store.swap("lease", b"two", old)
    assert not store.swap("lease", b"three", old)
    assert store.read("lease") == b"two"
    store.delete("lease")
    assert not store.swap("lease", b"four", old)
    assert store.read("lease") is None


def test_of_processes_that_swap_from_one_etag_exactly_one_wins(store: Store) -> None:
    store.write("lease", b"nobody")
    with racers(store) as race:
        for _ in range(rounds(store)):
            answers = race.do(f"swap lease {store.etag('lease')}")
            assert sorted(answers) == ["False"] * (RACERS - 1) + ["True"]
            assert store.read("lease") == f"racer-{answers.index('True')}".encode()
            store.write("lease", b"nobody")


def test_processes_that_count_by_swapping_lose_no_count(store: Store) -> None:
    store.write("counter", b"0")
    with racers(store) as race:
        race.do(f"count {rounds(store)}")
    assert store.read("counter") == str(rounds(store) * RACERS).encode()


def test_list_gives_the_keys_below_a_prefix_in_order(store: Store) -> None:
    keys = ["a/b", "a/b-c/d", "a/b.c", "a/bc/d/e", "a/bc/f", "b"]
    for key in reversed(keys):
        store.write(key, b"")
    assert list(store.list("")) == keys
    assert list(store.list("a")) == list(store.list("a/")) == keys[:-1]
    assert list(store.list("a/bc")) == ["a/bc/d/e", "a/bc/f"]
    assert list(store.list("a/b")) == []
    assert list(store.list("c")) == []


KEYS = st.sampled_from(["a/b", "a/b-c", "a/bc/d", "b"])
DATA = st.binary(max_size=8)
STEPS = st.one_of(
    st.tuples(st.sampled_from(["write", "create", "swap", "swap stale"]), KEYS, DATA),
    st.tuples(st.just("delete"), KEYS, st.just(b"")),
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=8))
def test_whatever_is_done_a_store_holds_what_a_dict_would(
    store: Store, steps: list[tuple[str, str, bytes]]
) -> None:
    fresh = open_store(f"{store.url}/{secrets.token_hex(8)}")
    expected: dict[str, bytes] = {}
    for action, key, data in steps:
        etag = fresh.etag(key)
        assert (etag is None) == (key not in expected)
        if action == "create":
            assert fresh.create(key, data) == (key not in expected)
            expected.setdefault(key, data)
        elif action == "swap":
            assert fresh.swap(key, data, etag or '"none"') == (key in expected)
            expected |= {key: data} if key in expected else {}
        elif action == "swap stale":
            assert not fresh.swap(key, data, '"0123456789abcdef"')
        elif action == "write":
            fresh.write(key, data)
            expected[key] = data
        else:
            fresh.delete(key)
            expected.pop(key, None)
    assert list(fresh.list("")) == sorted(expected)
    assert dict(fresh.read_many(expected)) == expected


def test_a_deleted_key_is_absent_and_deleting_it_again_is_no_error(store: Store) -> None:
    store.write("a/b", b"data")
    store.delete("a/b")
    store.delete("a/b")
    assert store.read("a/b") is None
    assert list(store.list("")) == []
    assert store.create("a/b", b"again")


def test_keys_are_read_through_a_pointer_and_move_with_it(store: Store) -> None:
    for run in ("one", "two"):
        store.write(f"sweeps/kd/{run}/table.md", run.encode())
        store.point("sweeps/kd/latest-laptop", f"sweeps/kd/{run}")
        assert store.read("sweeps/kd/latest-laptop/table.md") == run.encode()
        assert store.etag("sweeps/kd/latest-laptop/table.md") == store.etag(f"sweeps/kd/{run}/table.md")
        assert list(store.list("sweeps/kd/latest-laptop")) == ["sweeps/kd/latest-laptop/table.md"]


def test_list_passes_over_pointers_that_it_meets(store: Store) -> None:
    store.write("sweeps/kd/one/table.md", b"")
    store.point("sweeps/kd/latest-full", "sweeps/kd/one")
    assert list(store.list("")) == list(store.list("sweeps")) == ["sweeps/kd/one/table.md"]


def test_a_pointer_to_what_is_not_there_yet_reads_as_nothing(store: Store) -> None:
    store.point("sweeps/kd/latest-full", "sweeps/kd/one")
    assert store.read("sweeps/kd/latest-full/table.md") is None
    assert list(store.list("")) == list(store.list("sweeps/kd/latest-full")) == []
    store.write("sweeps/kd/one/table.md", b"late")
    assert store.read("sweeps/kd/latest-full/table.md") == b"late"


def test_deleting_a_pointer_leaves_what_it_pointed_to(store: Store) -> None:
    store.write("sweeps/kd/one/table.md", b"data")
    store.point("sweeps/kd/latest-full", "sweeps/kd/one")
    store.delete("sweeps/kd/latest-full")
    assert store.read("sweeps/kd/latest-full/table.md") is None
    assert store.read("sweeps/kd/one/table.md") == b"data"


@pytest.mark.parametrize("target", ["sweeps/other/one", "sweeps/kd/latest-full", "one"])
def test_a_pointer_has_its_target_beside_it(store: Store, target: str) -> None:
    with pytest.raises(ValueError, match="side by side"):
        store.point("sweeps/kd/latest-full", target)


@pytest.mark.parametrize(("name", "target"), [("kd/newest", "kd/one"), ("kd/latest-a", "kd/latest-b")])
def test_a_pointer_is_told_by_its_name_and_leads_to_no_other(store: Store, name: str, target: str) -> None:
    with pytest.raises(ValueError, match=r"a pointer's last segment begins with 'latest-'"):
        store.point(name, target)


def test_what_is_called_like_a_pointer_and_is_none_is_an_ordinary_key(store: Store) -> None:
    store.write("stages/latest-models/plan.json", b"data")
    assert store.read("stages/latest-models/plan.json") == b"data"
    assert list(store.list("stages")) == list(store.list("stages/latest-models"))
    store.delete("stages/latest-models/plan.json")
    assert list(store.list("")) == []


def test_a_pointer_in_the_root_leads_on(store: Store) -> None:
    store.write("one/table.md", b"data")
    store.point("latest-full", "one")
    assert store.read("latest-full/table.md") == b"data"
    assert list(store.list("latest-full")) == ["latest-full/table.md"]


def test_many_keys_are_read_in_their_order_with_none_for_those_that_are_absent(store: Store) -> None:
    keys = [f"trials/toy/{number}/result.json" for number in range(50)]
    for number, key in enumerate(keys):
        if number % 3:
            store.write(key, str(number).encode())
    expected = [(key, str(number).encode() if number % 3 else None) for number, key in enumerate(keys)]
    assert list(store.read_many(reversed(keys))) == expected[::-1]
    assert list(store.read_many([])) == []


def test_many_keys_are_read_through_a_pointer(store: Store) -> None:
    store.write("sweeps/kd/one/a", b"a")
    store.write("sweeps/kd/one/b", b"b")
    store.point("sweeps/kd/latest-full", "sweeps/kd/one")
    keys = ["sweeps/kd/latest-full/a", "sweeps/kd/latest-full/b", "sweeps/kd/latest-full"]
    assert list(store.read_many(keys)) == [(keys[0], b"a"), (keys[1], b"b"), (keys[2], None)]
    with pytest.raises(ValueError, match="is not a key"):
        list(store.read_many(["../a"]))


def test_names_with_blanks_and_signs_are_keys(store: Store) -> None:
    keys = [
        "data/UCI HAR/a b.txt",
        "data/UCI HAR/a%20b.txt",
        "data/UCI HAR/a+b&c?d#e.txt",
        "data/UCI HAR/ä.txt",
    ]
    for key in keys:
        store.write(key, key.encode())
    assert list(store.list("data")) == sorted(keys)
    assert list(store.read_many(keys)) == [(key, key.encode()) for key in keys]


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", ".", "a/../b", "..", "a/.seedbed-x", "a\0b"])
def test_a_key_that_is_no_plain_relative_path_is_refused(store: Store, key: str) -> None:
    for use in (store.read, store.etag, store.delete):
        with pytest.raises(ValueError, match="is not a key"):
            use(key)
    for change in (store.write, store.create):
        with pytest.raises(ValueError, match="is not a key"):
            change(key, b"data")
    with pytest.raises(ValueError, match="is not a key"):
        store.swap(key, b"data", "etag")
    with pytest.raises(ValueError, match="is not a key"):
        store.point(key, "target")


def test_a_prefix_that_leads_outside_is_refused(store: Store) -> None:
    for prefix in ("/", "..", "a/../..", "/etc"):
        with pytest.raises(ValueError, match="is not a key"):
            store.list(prefix)


def test_a_store_is_opened_again_by_its_url(store: Store) -> None:
    store.write("a/b", b"data")
    assert open_store(store.url).read("a/b") == b"data"


def test_a_place_ends_in_the_key(store: Store) -> None:
    assert store.place("sweeps/kd/one").endswith("sweeps/kd/one")


@pytest.mark.parametrize("url", ["file:///tmp/runs", "gs://bucket"])
def test_an_address_of_another_kind_is_refused_with_what_is_supported(url: str) -> None:
    with pytest.raises(
        InvalidConfig, match=r":// is not supported; a folder's path is, such as runs/, and s3://bucket"
    ):
        open_store(url)


def test_stores_and_leases_are_loaded_without_torch() -> None:
    script = "import sys, seedbed.store.folder, seedbed.store.s3, seedbed.store.lease; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
