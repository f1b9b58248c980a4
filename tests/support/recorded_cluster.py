"""A recorded cluster behind a real HTTP server: lists in pages, refusals, faults, and a log of requests."""

from __future__ import annotations

import base64
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from tests.support.certificates import Authority

REASONS = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 410: "Expired", 429: "TooManyRequests"}
VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


@dataclass
class Fault:
    """What goes wrong with some requests: those whose path and query match, a number of times.

    `trickle` sends a byte each so many seconds, the head of the answer included; `chunked` sends the body
    in chunks, the last of which is missing with `truncate`; `edit` alters what is answered; `act` does
    something to the cluster before it answers.
    """

    match: str
    status: int = 0
    times: int = 1
    after: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    message: str = ""
    truncate: bool = False
    reset: bool = False
    delay: float = 0.0
    trickle: float = 0.0
    chunked: bool = False
    garbage: bool = False
    edit: Callable[[Any], Any] | None = None
    act: Callable[[RecordedCluster], None] | None = None
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
    granted
        The only (group, resource) that are not refused; by default none is for want of being here.
    faults
        What goes wrong.
    aggregated
        Answer discovery in its aggregated form where it is asked for.
    reviews
        Answer questions about one's own rights.
    token
        The token that is accepted.
    authority
        Serve over TLS with its certificates, and accept client certificates that it signed.
    """

    def __init__(
        self,
        objects: Iterable[Mapping[str, Any]],
        *,
        serve: Iterable[Kind] = kinds.BUILT_IN,
        deny: Callable[[str, str], bool] = lambda resource, namespace: False,
        granted: Collection[tuple[str, str]] | None = None,
        faults: Iterable[Fault] = (),
        aggregated: bool = False,
        reviews: bool = True,
        token: str = "let-me-read",
        authority: Authority | None = None,
    ) -> None:
        self.kinds: dict[tuple[str, str], tuple[Kind, str]] = {}
        self.objects: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for kind in serve:
            self.serve(kind, "v1")
        for obj in objects:
            self._take(dict(obj))
        self.deny, self.granted = deny, granted
        self.faults, self.aggregated, self.token = list(faults), aggregated, token
        self.reviews, self.authority = reviews, authority
        self.revision = self.oldest = 4711
        self.states = {self.revision: self.objects}
        self.log: list[Request] = []
        self.lock = threading.Lock()

    def serve(self, kind: Kind, version: str) -> None:
        """Serve a kind, with the objects there are of it."""
        self.kinds[kind.group, kind.resource] = (kind, version)
        self.objects.setdefault((kind.group, kind.resource), [])

    def _take(self, obj: dict[str, Any]) -> None:
        self.objects[self._key_of(obj)].append(obj)

    def _key_of(self, obj: Mapping[str, Any]) -> tuple[str, str]:
        """Return group and resource of an object, which are served from now on."""
        group, _, version = obj["apiVersion"].rpartition("/")
        kind = kinds.find(group, obj["kind"]) or Kind(
            group, obj["kind"], obj["kind"].lower() + "s", "namespace" in obj["metadata"]
        )
        self.serve(kind, version)
        return kind.group, kind.resource

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

    def kubeconfig(self, folder: Path, token: str | None = None, credentials: Mapping[str, Any] | None = None) -> Path:
        """Write a kubeconfig whose context `recorded` reaches the server, with a token or other credentials."""
        path = folder / "kubeconfig"
        user = {"name": "reader", "user": credentials or {"token": self.token if token is None else token}}
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

    # What happens to the cluster ----------------------------------------------------------------------

    def change(self, key: tuple[str, str], objects: Iterable[Mapping[str, Any]]) -> None:
        """Let the objects of one (group, resource) be others from now on; lists that are being read keep theirs."""
        self.revision += 1
        self.objects = {**self.objects, key: [dict(obj) for obj in objects]}
        self.states[self.revision] = self.objects

    def compact(self) -> None:
        """Serve no state but the present one: tokens of lists that are being read expire."""
        self.oldest = self.revision

    def create(self, obj: Mapping[str, Any]) -> None:
        """Take one more object."""
        with self.lock:
            key = self._key_of(obj)
            self.change(key, [*self.objects[key], obj])

    def delete(self, obj: Mapping[str, Any]) -> None:
        """Drop an object."""
        with self.lock:
            key = self._key_of(obj)
            self.change(key, [each for each in self.objects[key] if _place(each) != _place(obj)])

    def withdraw(self, key: tuple[str, str]) -> None:
        """Serve a (group, resource) no longer."""
        self.change(key, [])
        self.kinds = {held: kind for held, kind in self.kinds.items() if held != key}

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
        return self._objects(path, query, accept)

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

    def _objects(self, path: str, query: dict[str, str], accept: str) -> tuple[int, Any]:
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
        if self._refuses(kind.group, kind.resource, namespace):
            return 403, _status(403, _refusal(kind, namespace, "get" if found["name"] else "list"))
        if found["name"]:
            named = [o for o in self.objects[key] if o["metadata"]["name"] == found["name"]]
            return (200, named[0]) if named else (404, _status(404, "not found"))
        return self._page(kind, version, namespace, query, accept)

    def _page(
        self, kind: Kind, version: str, namespace: str, query: dict[str, str], accept: str
    ) -> tuple[int, dict[str, Any]]:
        """Return one page of the state that the list began with, as etcd's revisions make it."""
        token = json.loads(base64.b64decode(query["continue"])) if query.get("continue") else {}
        revision, after = token.get("revision", self.revision), tuple(token.get("after", ()))
        if revision < self.oldest:
            expired = _status(410, "The provided continue parameter is too old to display a consistent list result.")
            return 410, {**expired, "metadata": {"continue": continue_token(self.revision, after)}}
        state = sorted(self.states[revision].get((kind.group, kind.resource), []), key=_place)
        held = [o for o in state if _place(o) > after and namespace in ("", _place(o)[0])]
        limit = int(query.get("limit") or 0) or len(held)
        page, left = held[:limit], len(held) - limit
        metadata: dict[str, Any] = {"resourceVersion": str(revision)}
        if left > 0:
            metadata["continue"] = continue_token(revision, _place(page[-1]))
            metadata["remainingItemCount"] = left
        if "as=PartialObjectMetadataList" in accept:
            meta = {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata"}
            items = [{**meta, "metadata": o["metadata"]} for o in page]
            return 200, {**meta, "kind": "PartialObjectMetadataList", "metadata": metadata, "items": items}
        custom = kinds.find(kind.group, kind.kind) is None
        bare = [{n: value for n, value in o.items() if custom or n not in ("apiVersion", "kind")} for o in page]
        api_version = f"{kind.group}/{version}" if kind.group else version
        return 200, {"kind": f"{kind.kind}List", "apiVersion": api_version, "metadata": metadata, "items": bare}

    def _refuses(self, group: str, resource: str, namespace: str) -> bool:
        granted = self.granted is None or (group, resource) in self.granted
        return not granted or self.deny(resource, namespace)

    def review(self, path: str, question: Mapping[str, Any]) -> tuple[int, Any]:
        """Answer a question about one's own rights."""
        if self.reviews and path == "/apis/authentication.k8s.io/v1/selfsubjectreviews":
            return 201, {**question, "status": {"userInfo": {"username": "reader", "groups": ["system:authenticated"]}}}
        if self.reviews and path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews":
            asked = question["spec"]["resourceAttributes"]
            allowed = not self._refuses(asked.get("group", ""), asked["resource"], asked.get("namespace", ""))
            return 201, {**question, "status": {"allowed": allowed, "reason": "" if allowed else "no rule allows it"}}
        return 405, _status(405, "this server is only read")


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up: tests make them."""


def continue_token(revision: int, after: tuple[str, ...]) -> str:
    """Return the token of a page that starts after an object."""
    return base64.b64encode(json.dumps({"revision": revision, "after": after}).encode()).decode()


def _place(obj: Mapping[str, Any]) -> tuple[str, str]:
    """Return what objects of a kind are sorted by, as etcd's keys do it."""
    return obj["metadata"].get("namespace") or "", obj["metadata"]["name"]


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


def _compact(content: Any) -> bytes:
    """Return JSON as API servers write it."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


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
            if fault and fault.act:
                fault.act(cluster)
            if fault and fault.delay:
                time.sleep(fault.delay)
            if fault and fault.reset:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.reply(*self.settled(parts.path, query, token, accept, fault), fault)

        def settled(
            self, path: str, query: dict[str, str], token: str, accept: str, fault: Fault | None
        ) -> tuple[int, Any, Mapping[str, str]]:
            """Return status, content and headers of the answer."""
            length = int(self.headers.get("Content-Length") or 0)
            asked = json.loads(self.rfile.read(length) or "{}")
            if token != cluster.token and not (cluster.authority and self.connection.getpeercert()):
                return 401, _status(401, "Unauthorized"), {}
            if fault and fault.status:
                body = _status(fault.status, fault.message or f"fault {fault.status}")
                if fault.status == 410 and "continue" in query:
                    body["metadata"] = {"continue": query["continue"]}
                return fault.status, body, fault.headers
            if self.command == "POST":
                return *cluster.review(path, asked), {}
            if self.command != "GET":
                return 405, _status(405, "this server is only read"), {}
            status, content = cluster.answer(path, query, accept)
            return status, fault.edit(content) if fault and fault.edit else content, {}

        def reply(self, status: int, content: Any, headers: Mapping[str, str], fault: Fault | None) -> None:
            fault = fault or Fault("")
            body = b'{"kind": "PodList", "items": [' if fault.garbage else _compact(content)
            head = {"Content-Type": "application/json", **headers}
            head |= {"Transfer-Encoding": "chunked"} if fault.chunked else {"Content-Length": str(len(body))}
            self.send_response(status)
            for name, value in head.items():
                self.send_header(name, value)
            sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if fault.chunked else body
            if fault.trickle:
                self.drip(sent, fault.trickle)
                return
            self.end_headers()
            if fault.truncate:
                self.close_connection = True
                sent = sent[: len(sent) - 5 if fault.chunked else len(sent) // 2]
            self.wfile.write(sent)
            self.wfile.flush()
            if fault.truncate:
                self.connection.shutdown(socket.SHUT_RDWR)

        def drip(self, body: bytes, seconds: float) -> None:
            """Send head and body byte by byte, for as long as somebody listens."""
            self.close_connection = True
            self._headers_buffer.append(b"\r\n")
            head, self._headers_buffer = b"".join(self._headers_buffer), []
            for byte in head + body:
                self.wfile.write(bytes([byte]))
                time.sleep(seconds)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_any  # noqa: N815

    return Handler
