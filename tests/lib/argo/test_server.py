"""What is asked of an Argo server, and what is said of its answers; tests/cluster/test_people.py asks a real one."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from seedbed.argo.server import ArgoServer
from seedbed.errors import ClusterUnavailable, InvalidSweep
from tests.lib.answering import Answering, answering


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering() as made:
        yield made


def test_it_is_asked_by_its_paths_with_the_token(server: Answering) -> None:
    named = json.dumps({"metadata": {"name": "a-b"}}).encode()
    server.answer = (200, named)
    argo = ArgoServer("lab", f"{server.address}/", "secret")
    assert argo.create({"kind": "Workflow"}) == argo.workflow("a-b") == {"metadata": {"name": "a-b"}}
    argo.stop("a-b")
    assert argo.workflows() == []
    bearer = "Bearer secret"
    assert server.asked == [
        ("POST", "/api/v1/workflows/lab", bearer, {"namespace": "lab", "workflow": {"kind": "Workflow"}}),
        ("GET", "/api/v1/workflows/lab/a-b", bearer, None),
        ("PUT", "/api/v1/workflows/lab/a-b/stop", bearer, {"namespace": "lab", "name": "a-b"}),
        ("GET", "/api/v1/workflows/lab", bearer, None),
    ]


@pytest.mark.parametrize(("token", "sent"), [("Bearer it", "Bearer it"), ("", None)])
def test_a_token_may_bring_its_kind_and_may_be_absent(
    server: Answering, token: str, sent: str | None
) -> None:
    ArgoServer("lab", server.address, token).workflows()
    assert [asked.authorization for asked in server.asked] == [sent]


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ((401, b'{"message": "no token"}'), ClusterUnavailable, "says: no token; ARGO_TOKEN holds the token"),
        ((403, b"{}"), ClusterUnavailable, "says: 403 Forbidden; ARGO_TOKEN holds"),
        ((500, b"<html>"), ClusterUnavailable, "says: 500 Internal Server Error"),
        ((400, b'{"message": "no entrypoint"}'), InvalidSweep, "refuses the workflow: no entrypoint"),
        ((200, b"<html>a portal"), ClusterUnavailable, "no Argo server answers at"),
    ],
)
def test_what_it_says_becomes_one_line(
    server: Answering, answer: tuple[int, bytes], kind: type[Exception], said: str
) -> None:
    server.answer = answer
    with pytest.raises(kind) as raised:
        ArgoServer("lab", server.address, "secret").workflows()
    assert said in str(raised.value)
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_workflow_that_is_gone_is_none(server: Answering) -> None:
    server.answer = (404, b'{"message": "not found"}')
    argo = ArgoServer("lab", server.address, "")
    assert argo.workflow("gone") is None
    with pytest.raises(ClusterUnavailable, match="says: not found"):
        argo.stop("gone")


def test_a_server_that_is_not_there_is_told_by_its_address() -> None:
    with pytest.raises(ClusterUnavailable, match=r"the Argo server at https://127.0.0.1:1 cannot be reached"):
        ArgoServer("lab", "127.0.0.1:1", "secret").workflows()
