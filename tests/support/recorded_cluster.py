"""A recorded cluster behind a real HTTP server: lists in pages, refusals, faults, and a log of requests."""

from __future__ import annotations

import base64
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from tests.support.certificates import Authority

FIRST_VERSION = 4711
TOO_OLD = "The provided continue parameter is too old to display a consistent list result."
REASONS = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 410: "Expired", 429: "TooManyRequests"}
VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


@dataclass
class Fault:
    """What goes wrong with some requests: those whose path and query match, a number of times."""

    match: str
    status: int = 0
    times: int = 1
    after: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    message: str = ""
    truncate: bool = False
    reset: bool = False
    delay: float = 0.0
    garbage: bool = False
    seen: int = 0

    def strikes(self, url: str) -> bool:
        """Tell whether this request is hit, and count it."""
        if not re.search(self.match, url):
            return False
        self.seen += 1
        return self.after < self.seen <= self.after + self.times


@dataclass
class Request:
    """One request that was received."""

    method: str
    path: str
    query: dict[str, str]
    accept: str
    token: str

    @property
    def url(self) -> str:
        """Path and query, as they were asked for."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path


class RecordedCluster:
    """Serves objects as an API server does; a context manager.

    Parameters
    ----------
    objects
        Objects with apiVersion and kind; kinds are served for them and for `serve`.
    serve
        Further kinds, without objects.
    deny
        Says whether a list of (resource, namespace) is refused.
    faults
        What goes wrong.
    aggregated
        Answer discovery in its aggregated form where it is asked for.
    token
        The bearer token that is accepted.
    authority
        Serve over TLS with its certificates, and accept client certificates that it signed.
    """

    def __init__(
        self,
        objects: Iterable[Mapping[str, Any]],
        *,
        serve: Iterable[Kind] = kinds.BUILT_IN,
        deny: Callable[[str, str], bool] = lambda resource, namespace: False,
        faults: Iterable[Fault] = (),
        aggregated: bool = False,
        token: str = "let-me-read",
        authority: Authority | None = None,
    ) -> None:
        self.kinds: dict[tuple[str, str], tuple[Kind, str]] = {}
        self.objects: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for kind in serve:
            self.serve(kind, "v1")
        for obj in objects:
            self._take(dict(obj))
        self.deny, self.faults, self.aggregated, self.token = deny, list(faults), aggregated, token
        self.authority = authority
        self.log: list[Request] = []
        self.lock = threading.Lock()
        self.version, self.oldest = FIRST_VERSION, 0
        self.moments: dict[tuple[int, str, str, str], list[dict[str, Any]]] = {}

    def create(self, obj: Mapping[str, Any]) -> None:
        """Take one more object, at a version of its own."""
        with self.lock:
            self.version += 1
            self._take(dict(obj))

    def delete(self, obj: Mapping[str, Any]) -> None:
        """Drop an object, at a version of its own."""
        with self.lock:
            self.version += 1
            for held in self.objects.values():
                held[:] = [each for each in held if (each["kind"], _key(each)) != (obj["kind"], _key(obj))]

    def expire_lists(self) -> None:
        """Forget the past: lists that were begun before cannot be continued as they were."""
        with self.lock:
            self.version += 1
            self.oldest = self.version

    def serve(self, kind: Kind, version: str) -> None:
        """Serve a kind, with the objects there are of it."""
        self.kinds[kind.group, kind.resource] = (kind, version)
        self.objects.setdefault((kind.group, kind.resource), [])

    def _take(self, obj: dict[str, Any]) -> None:
        group, _, version = obj["apiVersion"].rpartition("/")
        kind = kinds.find(group, obj["kind"]) or Kind(
            group, obj["kind"], obj["kind"].lower() + "s", "namespace" in obj["metadata"]
        )
        self.serve(kind, version)
        self.objects[kind.group, kind.resource].append(obj)

    def __enter__(self) -> RecordedCluster:
        self.server = _QuietServer(("127.0.0.1", 0), _handler(self))
        if self.authority:
            self.server.socket = _tls(self.authority).wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def url(self) -> str:
        """Address of the server."""
        return f"http{'s' if self.authority else ''}://127.0.0.1:{self.server.server_port}"

    def kubeconfig(self, folder: Path, token: str | None = None, certificate: tuple[Path, Path] | None = None) -> Path:
        """Write a kubeconfig whose context `recorded` reaches the server, by token or by certificate."""
        path = folder / "kubeconfig"
        credentials = {"token": self.token if token is None else token}
        if certificate:
            credentials = {"client-certificate": str(certificate[0]), "client-key": str(certificate[1])}
        user = {"name": "reader", "user": credentials}
        trust = {"certificate-authority": str(self.authority.certificate)} if self.authority else {}
        context = {"name": "recorded", "context": {"cluster": "recorded", "user": "reader"}}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "recorded", "cluster": {"server": self.url, **trust}}],
            "users": [user],
            "contexts": [context],
            "current-context": "recorded",
        }
        path.write_text(json.dumps(content))
        return path

    # What the server says ------------------------------------------------------------------------

    def answer(self, path: str, query: dict[str, str], accept: str) -> tuple[int, Any]:
        """Return status and body for a request."""
        wants_all = "APIGroupDiscoveryList" in accept and self.aggregated
        if path == "/version":
            return 200, {"gitVersion": "v1.34.2"}
        if path == "/api":
            return 200, self._aggregated(core=True) if wants_all else {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            return 200, self._aggregated(core=False) if wants_all else self._groups()
        if found := re.fullmatch(r"/api/(v1)|/apis/([^/]+)/([^/]+)", path):
            return self._resources(found[2] or "", found[1] or found[3])
        return self._objects(path, query, metadata_only="as=PartialObjectMetadataList" in accept)

    def _versions(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for kind, version in self.kinds.values():
            found.setdefault(kind.group, set()).add(version)
        return found

    def _groups(self) -> dict[str, Any]:
        groups = []
        for group, versions in sorted(self._versions().items()):
            if group:
                named = [{"groupVersion": f"{group}/{v}", "version": v} for v in sorted(versions)]
                groups.append({"name": group, "versions": named, "preferredVersion": named[0]})
        return {"kind": "APIGroupList", "groups": groups}

    def _resources(self, group: str, version: str) -> tuple[int, Any]:
        if version not in self._versions().get(group, set()):
            return 404, _status(404, "the server could not find the requested resource")
        here = [kind for kind, v in self.kinds.values() if (kind.group, v) == (group, version)]
        resources = [
            {"name": kind.resource, "kind": kind.kind, "namespaced": kind.namespaced, "verbs": VERBS} for kind in here
        ]
        resources += [
            {"name": f"{k.resource}/status", "kind": k.kind, "namespaced": True, "verbs": ["get"]} for k in here
        ]
        return 200, {"kind": "APIResourceList", "resources": resources}

    def _aggregated(self, *, core: bool) -> dict[str, Any]:
        items = []
        for group, versions in sorted(self._versions().items()):
            if bool(group) is not core:
                items.append(
                    {"metadata": {"name": group}, "versions": [self._described(group, v) for v in sorted(versions)]}
                )
        return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items}

    def _described(self, group: str, version: str) -> dict[str, Any]:
        resources = [
            {
                "resource": kind.resource,
                "responseKind": {"group": group, "version": version, "kind": kind.kind},
                "scope": "Namespaced" if kind.namespaced else "Cluster",
                "verbs": VERBS,
            }
            for kind, v in self.kinds.values()
            if (kind.group, v) == (group, version)
        ]
        return {"version": version, "freshness": "Current", "resources": resources}

    def _objects(self, path: str, query: dict[str, str], *, metadata_only: bool) -> tuple[int, Any]:
        found = re.fullmatch(
            r"(?:/api/(?P<core>v1)|/apis/(?P<group>[^/]+)/(?P<version>[^/]+))"
            r"(?:/namespaces/(?P<namespace>[^/]+)(?=/[^/]+))?/(?P<resource>[^/]+)(?:/(?P<name>[^/]+))?",
            path,
        )
        key = ((found["group"] or ""), found["resource"]) if found else ("", "")
        if not found or key not in self.kinds:
            return 404, _status(404, "the server could not find the requested resource")
        kind, version = self.kinds[key]
        namespace = found["namespace"] or ""
        if self.deny(kind.resource, namespace):
            return 403, _status(403, _refusal(kind, namespace, "get" if found["name"] else "list"))
        held = sorted(
            (o for o in self.objects[key] if not namespace or o["metadata"].get("namespace") == namespace), key=_key
        )
        if found["name"]:
            one = next((o for o in held if o["metadata"]["name"] == found["name"]), None)
            return (200, one) if one else (404, _status(404, "not found"))
        status, answer = self._page(kind, version, namespace, held, query)
        return status, _metadata_only(answer) if metadata_only and status == 200 else answer

    def _page(
        self, kind: Kind, version: str, namespace: str, held: list[dict[str, Any]], query: dict[str, str]
    ) -> tuple[int, Any]:
        """Return a page of the list as it was when its first page was read.

        Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
        """
        at, after = self.version, None
        if query.get("continue"):
            at, after = json.loads(base64.b64decode(query["continue"]))
            if at and at < self.oldest:
                return 410, {**_status(410, TOO_OLD), "metadata": {"continue": _continue_token(0, after)}}
            at = at or self.version
        held = self.moments.setdefault((at, kind.group, kind.resource, namespace), held)
        rest = [o for o in held if after is None or _key(o) > tuple(after)]
        limit = int(query.get("limit") or 0) or len(rest)
        page, left = rest[:limit], len(rest) - limit
        metadata: dict[str, Any] = {"resourceVersion": str(at)}
        if left > 0:
            metadata["continue"] = _continue_token(at, _key(page[-1]))
            metadata["remainingItemCount"] = left
        bare = [{name: value for name, value in o.items() if name not in ("apiVersion", "kind")} for o in page]
        api_version = f"{kind.group}/{version}" if kind.group else version
        return 200, {"kind": f"{kind.kind}List", "apiVersion": api_version, "metadata": metadata, "items": bare}


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up: tests make them."""


def _continue_token(version: int, after: Iterable[str]) -> str:
    """Return the token of what follows an object in a list of one version; of version 0 in the newest."""
    return base64.b64encode(json.dumps([version, list(after)]).encode()).decode()


def _metadata_only(answer: dict[str, Any]) -> dict[str, Any]:
    """Return a list as it is answered where only metadata is asked for."""
    bare = {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata"}
    items = [{**bare, "metadata": item["metadata"]} for item in answer["items"]]
    return {**answer, "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadataList", "items": items}


def _key(obj: Mapping[str, Any]) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _refusal(kind: Kind, namespace: str, verb: str) -> str:
    """Return the words in which RBAC refuses."""
    what = f"{kind.resource}.{kind.group}" if kind.group else kind.resource
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    asked = f'cannot {verb} resource "{kind.resource}" in API group "{kind.group}" {where}'
    return f'{what} is forbidden: User "reader" {asked}'


def _tls(authority: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.server())
    context.load_verify_locations(authority.certificate)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _status(code: int, message: str) -> dict[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message,
            "reason": REASONS.get(code, "InternalError"), "code": code}  # fmt: skip


def _handler(cluster: RecordedCluster) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_any(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            accept = self.headers.get("Accept", "")
            with cluster.lock:
                cluster.log.append(Request(self.command, parts.path, query, accept, token))
                fault = next((each for each in cluster.faults if each.strikes(self.path)), None)
            if fault and fault.delay:
                time.sleep(fault.delay)
            if fault and fault.reset:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            if self.command != "GET":
                self.reply(405, _status(405, "this server is only read"))
            elif token != cluster.token and not (cluster.authority and self.connection.getpeercert()):
                self.reply(401, _status(401, "Unauthorized"))
            elif fault and fault.status:
                body = _status(fault.status, fault.message or f"fault {fault.status}")
                if fault.status == 410 and "continue" in query:
                    body["metadata"] = {"continue": query["continue"]}
                self.reply(fault.status, body, fault.headers)
            else:
                status, content = cluster.answer(parts.path, query, accept)
                self.reply(status, content, {}, fault)

        def reply(self, status: int, content: Any, headers: Mapping[str, str] = {}, fault: Fault | None = None) -> None:
            body = b'{"kind": "PodList", "items": [' if fault and fault.garbage else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if fault and fault.truncate:
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_any  # noqa: N815

    return Handler
