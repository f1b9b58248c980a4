"""One request: how long it may take, how often it is made, and with which credentials."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

from hipaa_kit.sources import transport
from hipaa_kit.sources.connection import connect
from hipaa_kit.sources.transport import Server
from tests.support.recorded_cluster import Fault, RecordedCluster


def reaching(cluster: RecordedCluster, folder: Path, **options: float) -> tuple[Server, list[float]]:
    """Return a server whose pauses are noted and not made: its clock goes on as if they were."""
    server, _ = connect(kubeconfig=cluster.kubeconfig(folder), **options)
    slept: list[float] = []
    server.sleep, server.jitter, server.clock = slept.append, lambda: 0.0, lambda: time.monotonic() + sum(slept)
    return server, slept


def asked(cluster: RecordedCluster, path: str = "/version") -> int:
    return len([request for request in cluster.log if request.path == path])


@pytest.mark.parametrize("after", [0.0, 0.02], ids=["from its head on", "slowly but in time"])
def test_an_answer_that_trickles_has_the_time_of_one_request(tmp_path: Path, after: float) -> None:
    """Each byte comes long before a limit that held for one read alone."""
    fault = Fault("/version", trickle=0.0001 if after else 0.05, times=99)
    with RecordedCluster([], faults=[fault]) as cluster:
        server, _ = reaching(cluster, tmp_path, timeout_seconds=60.0 if after else 0.3)
        reply = server.get("/version")
    assert (reply.ok, reply.words) == ((True, "") if after else (False, "no answer in time"))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("/version", truncate=True, times=99), "cut off"),
        (Fault("/version", chunked=True, truncate=True, times=99), "cut off"),
        (Fault("/version", reset=True, times=99), "broke"),
        (Fault("/version", garbage=True, times=99), "not JSON"),
        (Fault("/version", delay=0.5, times=99), "in time"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_whole_answer_is_asked_again_and_then_told(tmp_path: Path, fault: Fault, words: str) -> None:
    with RecordedCluster([], faults=[fault]) as cluster:
        # Short only where nothing else can be the answer: a busy machine is late with any.
        server, slept = reaching(cluster, tmp_path, timeout_seconds=0.3 if fault.delay else 60.0)
        reply = server.get("/version")
    assert (reply.status, asked(cluster), len(slept)) == (0, 5, 4)
    assert words in reply.words


@pytest.mark.parametrize("chunked", [False, True])
def test_a_whole_answer_is_whole_in_either_form(tmp_path: Path, chunked: bool) -> None:
    with RecordedCluster([], faults=[Fault("/version", chunked=chunked)]) as cluster:
        assert reaching(cluster, tmp_path)[0].get("/version").content == {"gitVersion": "v1.34.2"}


@pytest.mark.parametrize(
    ("named", "pauses"),
    [
        (None, [0.25, 0.5, 1.0, 2.0]),
        ("0", [0.0] * 4),
        ("7", [7.0] * 4),
        ("Wed, 21 Oct 2015 07:28:00 GMT", [0.0] * 4),
        ("soon", [0.25, 0.5, 1.0, 2.0]),
        ("60", [60.0] * 4),
        ("61", []),
        ("9" * 400, []),
    ],
)
def test_a_busy_server_is_left_alone_for_as_long_as_it_says(
    tmp_path: Path, named: str | None, pauses: list[float]
) -> None:
    headers = {} if named is None else {"Retry-After": named}
    fault = Fault("/version", status=429, times=99, headers=headers, message="too many")
    with RecordedCluster([], faults=[fault]) as cluster:
        server, slept = reaching(cluster, tmp_path)
        reply = server.get("/version")
    assert (slept, reply.status, reply.words) == (pauses, 429, "too many")


def test_pauses_differ_between_clients_and_are_never_shorter_than_named() -> None:
    server = Server(None, jitter=lambda: 0.5)
    assert [server._pause(attempt, None) for attempt in range(3)] == [0.375, 0.75, 1.5]
    assert [server._pause(attempt, 7.0) for attempt in range(3)] == [7.125, 7.25, 7.5]


def test_no_request_outlasts_the_whole(tmp_path: Path) -> None:
    fault = Fault("/version", status=503, times=99, headers={"Retry-After": "40"}, message="later")
    with RecordedCluster([], faults=[fault]) as cluster:
        server, slept = reaching(cluster, tmp_path, budget_seconds=100.0)
        assert server.get("/version").words == "later"
        assert slept == [40.0, 40.0]  # a third pause would end after the last moment
        slept.append(40.0)
        reply = server.get("/version")
    assert (reply.status, reply.words) == (0, "the time for the whole collection is used up: 100 seconds")
    assert asked(cluster) == 3


def rotating(path: Path, *, replaced: bool = True) -> Fault:
    """Return what makes the token another one, and writes it where the client reads it."""

    def act(cluster: RecordedCluster) -> None:
        cluster.token = "second"
        if replaced:
            path.write_text("second")

    return Fault("/version", act=act, after=1)


def test_a_token_file_is_read_again_when_its_token_has_expired(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("let-me-read\n")
    with RecordedCluster([], faults=[rotating(token)]) as cluster:
        path = cluster.kubeconfig(tmp_path, credentials={"tokenFile": str(token)})
        server, _ = connect(kubeconfig=path)
        assert [server.get("/version").status for _ in range(3)] == [200, 200, 200]
    assert [request.token for request in cluster.log] == ["let-me-read", "let-me-read", "second", "second"]


def test_a_credential_plugin_is_run_again_when_its_token_has_expired(tmp_path: Path) -> None:
    token, plugin = tmp_path / "token", tmp_path / "plugin"
    token.write_text("let-me-read")
    answer = '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "%s"}}'
    plugin.write_text(f"#!/bin/sh\nprintf '{answer}' \"$(cat {token})\"\n")
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    run = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "interactiveMode": "Never"}
    with RecordedCluster([], faults=[rotating(token)]) as cluster:
        server, _ = connect(kubeconfig=cluster.kubeconfig(tmp_path, credentials={"exec": run}))
        assert [server.get("/version").status for _ in range(2)] == [200, 200]
    assert [request.token for request in cluster.log] == ["let-me-read", "let-me-read", "second"]


def test_credentials_that_stay_refused_are_read_again_once(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("let-me-read")
    with RecordedCluster([], faults=[rotating(token, replaced=False)]) as cluster:
        path = cluster.kubeconfig(tmp_path, credentials={"tokenFile": str(token)})
        server, _ = connect(kubeconfig=path)
        made = []
        real = server.renew
        server.renew = lambda: (made.append(1), real())[1]
        assert [server.get("/version").status for _ in range(4)] == [200, 401, 401, 401]
    assert (len(made), asked(cluster)) == (1, 5)


@pytest.mark.parametrize("text", ["two\nlines", "tab\there", "ümlaut"])
def test_a_token_that_cannot_be_sent_is_no_traceback_and_is_not_shown(tmp_path: Path, text: str) -> None:
    (tmp_path / "token").write_text(text)
    with RecordedCluster([]) as cluster:
        path = cluster.kubeconfig(tmp_path, credentials={"tokenFile": str(tmp_path / "token")})
        server, slept = connect(kubeconfig=path)[0], []
        server.sleep = slept.append
        reply = server.get("/version")
    assert (reply.status, reply.words) == (0, "the credentials hold characters that cannot be sent")


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    fault = Fault("/version", status=302, headers={"Location": "http://elsewhere.example/"}, message="moved")
    with RecordedCluster([], faults=[fault]) as cluster:
        assert reaching(cluster, tmp_path)[0].get("/version").status == 302


def test_a_server_that_is_not_there_is_told_apart_from_a_slow_one(tmp_path: Path) -> None:
    with RecordedCluster([]) as cluster:
        pass
    server, _ = reaching(cluster, tmp_path)
    assert server.get("/version").words == "the connection was refused or the server was not found"


def test_an_answer_that_is_too_large_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LARGEST_BODY_BYTES", 10)
    with RecordedCluster([]) as cluster:
        server, _ = reaching(cluster, tmp_path)
        reply = server.get("/version")
    assert (reply.status, "smaller --page-size" in reply.words) == (0, True)


def test_a_servers_words_are_one_short_line(tmp_path: Path) -> None:
    fault = Fault("/version", status=403, message="no\n\n" + "x" * 5000)
    with RecordedCluster([], faults=[fault]) as cluster:
        words = reaching(cluster, tmp_path)[0].get("/version").words
    assert (len(words), words[:5]) == (1000, "no xx")
