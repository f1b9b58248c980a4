"""Collecting a large cluster from a server in another process: time beside the raw requests, and peak memory."""

import json
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from measuring import PEAK, size
from synthetic import clinic_pods

from hipaa_kit.kube import kinds
from tests.support.recorded_cluster import RecordedCluster

COUNT = size("PODS", 10_000, 10_000)
PEAK_MB = 300

COLLECT = (
    PEAK
    + """
import json, sys, time
from hipaa_kit.sources.live import collect
start = time.perf_counter()
snapshot = collect(kubeconfig=sys.argv[1], kinds=["Pod", "Namespace"])
answer = snapshot.coverage.frame.set_index("kind").loc["Pod"]
print(json.dumps({
    "seconds": time.perf_counter() - start,
    "peak_mb": peak_mb(),
    "status": str(answer["status"]), "count": int(answer["count"]),
}))
"""
)


def serve(folder: str, ready: object, done: object) -> None:
    """Serve the pods until told to stop."""
    with RecordedCluster(clinic_pods(COUNT), serve=[kinds.NAMESPACE, kinds.POD]) as cluster:
        cluster.kubeconfig(Path(folder))
        ready.send(cluster.url)
        done.recv()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    folder = tmp_path_factory.mktemp("cluster")
    context = multiprocessing.get_context("spawn")
    ready, told = context.Pipe()
    process = context.Process(target=serve, args=(str(folder), told, told), daemon=True)
    process.start()
    try:
        yield folder / "kubeconfig", ready.recv()
    finally:
        ready.send("stop")
        process.join()


def raw(url: str) -> float:
    """Return the seconds that the same pages take when they are only received."""
    start, pool, token = time.perf_counter(), urllib3.PoolManager(), ""
    while True:
        query = "?limit=500" + (f"&continue={token}" if token else "")
        answer = pool.request("GET", f"{url}/api/v1/pods{query}", headers={"Authorization": "Bearer let-me-read"})
        token = json.loads(answer.data)["metadata"].get("continue")
        if not token:
            return time.perf_counter() - start


def test_collecting_many_pods_stays_small(benchmark, cluster: tuple[Path, str]) -> None:
    kubeconfig, url = cluster

    def work() -> dict:
        done = subprocess.run(
            [sys.executable, "-c", COLLECT, str(kubeconfig)], capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    told = benchmark.pedantic(work, rounds=1)
    alone = raw(url)
    benchmark.extra_info.update(objects=COUNT, **told, ratio_to_raw=round(told["seconds"] / alone, 2))
    assert (told["status"], told["count"]) == ("answered", COUNT)
    assert told["peak_mb"] < PEAK_MB
