"""Dry-run writes to an API server in the name of others."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import urllib3

from tests.support.live.api import THREADS, Answer
from tests.support.live.control_plane import ControlPlane


@dataclass(frozen=True)
class Write:
    """One write that is only tried: `POST` to a list, or `PUT` to the place of an object."""

    method: str
    path: str
    body: Mapping[str, Any]
    user: str
    groups: Collection[str]


def try_writes(plane: ControlPlane, writes: Iterable[Write]) -> list[Answer]:
    """Send the writes as server-side dry runs, by an administrator who impersonates the users."""
    certificate, key = plane.authority.client("impersonator", ["system:masters"])
    with (
        urllib3.PoolManager(
            maxsize=THREADS, cert_file=str(certificate), key_file=str(key), ca_certs=str(plane.authority.certificate)
        ) as pool,
        ThreadPoolExecutor(THREADS) as threads,
    ):
        return list(threads.map(lambda each: _send(pool, plane.url, each), writes))


def _send(pool: urllib3.PoolManager, url: str, write: Write) -> Answer:
    headers = urllib3.HTTPHeaderDict({"Content-Type": "application/json", "Impersonate-User": write.user})
    for group in write.groups:
        headers.add("Impersonate-Group", group)
    body = json.dumps(write.body).encode()
    reply = pool.request(write.method, f"{url}{write.path}?dryRun=All", body=body, headers=headers, timeout=60)
    return Answer(reply.status, json.loads(reply.data))
