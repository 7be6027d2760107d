"""Leases, with clocks that the tests move."""

from __future__ import annotations

import json
import os
import socket
from datetime import datetime

import pytest

from seedbed.store import Store
from seedbed.store.lease import Leases

KEY = "trials/mnist/0f3a/lease.json"


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def observer(store: Store, clock: Clock) -> Leases:
    return Leases(store, heartbeat=10.0, clock=clock)


def test_a_free_lease_is_taken_and_a_held_one_is_not(store: Store, clock: Clock) -> None:
    assert observer(store, clock).take(KEY)
    assert observer(store, clock).take(KEY) is None


def test_one_process_does_not_take_its_own_lease_twice(store: Store, clock: Clock) -> None:
    leases = observer(store, clock)
    assert leases.take(KEY)
    assert leases.take(KEY) is None


def test_a_lease_that_stands_still_is_taken_after_three_heartbeats_of_watching(
    store: Store, clock: Clock
) -> None:
    first = observer(store, clock).take(KEY)
    assert first
    clock.now += 1000
    late = observer(store, clock)
    assert late.take(KEY) is None
    clock.now += 29.9
    assert late.take(KEY) is None
    clock.now += 0.1
    taken = late.take(KEY)
    assert taken
    assert not first.renew()
    assert taken.renew()


def test_a_lease_that_is_renewed_is_never_taken(store: Store, clock: Clock) -> None:
    holder, other = observer(store, clock).take(KEY), observer(store, clock)
    assert holder
    for _ in range(10):
        assert other.take(KEY) is None
        clock.now += 29
        assert holder.renew()


def test_two_observers_do_not_both_take_an_expired_lease(store: Store, clock: Clock) -> None:
    observer(store, clock).take(KEY)
    others = [observer(store, clock), observer(store, clock)]
    assert [other.take(KEY) for other in others] == [None, None]
    clock.now += 30
    assert [other.take(KEY) is not None for other in others] == [True, False]


def test_an_observer_starts_anew_when_the_lease_it_lost_stands_still_again(
    store: Store, clock: Clock
) -> None:
    observer(store, clock).take(KEY)
    leases = observer(store, clock)
    leases.take(KEY)
    clock.now += 30
    assert leases.take(KEY)
    assert leases.take(KEY) is None
    clock.now += 29
    assert leases.take(KEY) is None
    clock.now += 1
    assert leases.take(KEY)


def test_a_released_lease_is_taken_at_once(store: Store, clock: Clock) -> None:
    first = observer(store, clock).take(KEY)
    assert first
    first.release()
    assert not first.renew()
    second = observer(store, clock).take(KEY)
    assert second
    assert second.renew()
    first.release()
    assert second.renew()


def test_a_holder_that_was_taken_over_does_not_release_the_lease_of_the_other(
    store: Store, clock: Clock
) -> None:
    first, leases = observer(store, clock).take(KEY), observer(store, clock)
    assert first
    leases.take(KEY)
    clock.now += 30
    second = leases.take(KEY)
    assert second
    first.release()
    assert second.renew()
    assert observer(store, clock).take(KEY) is None


def test_a_lease_that_was_deleted_is_free(store: Store, clock: Clock) -> None:
    first = observer(store, clock).take(KEY)
    assert first
    store.delete(KEY)
    assert not first.renew()
    assert observer(store, clock).take(KEY)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"released": "true"}'])
def test_a_lease_that_cannot_be_read_has_to_expire(store: Store, clock: Clock, content: bytes) -> None:
    store.write(KEY, content)
    leases = observer(store, clock)
    assert leases.take(KEY) is None
    clock.now += 30
    assert leases.take(KEY)


def test_a_lease_tells_a_person_who_holds_it_since_when(store: Store, clock: Clock) -> None:
    observer(store, clock).take(KEY)
    note = json.loads(store.read(KEY) or b"")
    assert (note["host"], note["pid"]) == (socket.gethostname(), os.getpid())
    assert datetime.fromisoformat(note["time"]).tzinfo is not None


class Deaf:
    """A store whose answer to a swap is lost: it is done, the request is repeated, and that is refused."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.url, self.read, self.write, self.create = store.url, store.read, store.write, store.create
        self.read_many, self.patience = store.read_many, store.patience
        self.etag, self.list, self.delete = store.etag, store.list, store.delete
        self.point, self.place = store.point, store.place

    def swap(self, key: str, data: bytes, etag: str) -> bool:
        self._store.swap(key, data, etag)
        return False


def test_a_renewal_whose_answer_was_lost_still_counts(store: Store, clock: Clock) -> None:
    lease = observer(Deaf(store), clock).take(KEY)
    assert lease
    assert lease.renew()
    assert lease.renew()
