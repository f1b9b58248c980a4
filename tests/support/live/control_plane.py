"""etcd and kube-apiserver on loopback: started, ready, and stopped by process id."""

from __future__ import annotations

import base64
import json
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.support.certificates import Authority
from tests.support.live.api import Api
from tests.support.live.assets import Assets

EVERYTHING = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}
"""Audit policy by which every request leaves a line before it is answered, and another one after."""

START_SECONDS = 300.0

ANSWERED: list[int] = []
"""How many requests each control plane of this process has logged that is no more."""


class StartError(Exception):
    """The control plane did not come up."""


class ControlPlane:
    """An API server with RBAC, encryption at rest and an audit log; a context manager.

    No controller runs beside it: nothing makes pods, service accounts or tokens, aggregated roles such as
    `edit` have no rules, and a namespace that is deleted stays.

    Parameters
    ----------
    assets
        The binaries.
    audit_policy
        Content of the audit policy file.
    flags
        Further flags of kube-apiserver. Without any, pods need no service account: nothing makes one here.
    """

    def __init__(
        self,
        assets: Assets,
        *,
        audit_policy: Mapping[str, Any] = EVERYTHING,
        flags: Sequence[str] = ("--disable-admission-plugins=ServiceAccount",),
    ) -> None:
        self.assets, self.audit_policy, self.flags = assets, audit_policy, flags
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> ControlPlane:
        self.folder = Path(tempfile.mkdtemp(prefix="hipaa-kit-live-"))
        self.audit_log = self.folder / "audit.log"
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        if self.audit_log.exists():
            ANSWERED.append(len(self.audit_events()))
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self) -> None:
        self.authority = Authority(self.folder / "pki")
        self.etcd_url = f"http://127.0.0.1:{_free_port()}"
        self.url = f"https://127.0.0.1:{(port := _free_port())}"
        self.tokens = {"token-reader": secrets.token_hex(16)}
        self._run(self.assets.etcd, *self._etcd_flags())
        self._run(self.assets.apiserver, *self._server_flags(port), *self.flags)
        self.admin = Api(self.url, self.authority.certificate, self.authority.client("admin", ["system:masters"]))
        self._wait()

    def _etcd_flags(self) -> Iterator[str]:
        peer = f"http://127.0.0.1:{_free_port()}"
        yield f"--data-dir={self.folder / 'etcd'}"
        yield f"--listen-client-urls={self.etcd_url}"
        yield f"--advertise-client-urls={self.etcd_url}"
        yield f"--listen-peer-urls={peer}"
        yield f"--initial-advertise-peer-urls={peer}"
        yield f"--initial-cluster=default={peer}"
        yield "--unsafe-no-fsync"
        yield "--log-level=error"

    def _server_flags(self, port: int) -> Iterator[str]:
        certificate, key = self.authority.server()
        accounts = self.authority.key("service-accounts")
        yield f"--etcd-servers={self.etcd_url}"
        yield "--bind-address=127.0.0.1"
        yield "--advertise-address=127.0.0.1"
        yield "--endpoint-reconciler-type=none"
        yield f"--secure-port={port}"
        yield f"--tls-cert-file={certificate}"
        yield f"--tls-private-key-file={key}"
        yield f"--client-ca-file={self.authority.certificate}"
        yield f"--token-auth-file={self._file('tokens.csv', self._token_lines())}"
        yield "--authorization-mode=RBAC"
        yield "--allow-privileged=true"
        # Aggregated servers are found by endpoints: one without any is never called.
        yield "--enable-aggregator-routing=true"
        yield "--service-cluster-ip-range=10.96.0.0/16"
        yield "--service-account-issuer=https://kubernetes.default.svc"
        yield f"--service-account-key-file={accounts}"
        yield f"--service-account-signing-key-file={accounts}"
        yield f"--encryption-provider-config={self._file('encryption.yaml', yaml.safe_dump(_encryption()))}"
        yield f"--audit-policy-file={self._file('audit.yaml', yaml.safe_dump(dict(self.audit_policy)))}"
        yield f"--audit-log-path={self.audit_log}"
        yield "--audit-log-maxsize=4096"
        # Lists of this kind come from etcd itself, so that its compaction makes their tokens expire.
        yield "--watch-cache-sizes=podtemplates#0"

    def _token_lines(self) -> str:
        return "".join(f"{token},{user},{user}\n" for user, token in self.tokens.items())

    def _file(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(content, encoding="utf-8")
        return path

    def _run(self, program: Path, *flags: str) -> None:
        with (self.folder / f"{program.name}.log").open("wb") as log:
            command = [str(program), *flags]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)
        self.processes.append(process)

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and all(process.poll() is None for process in self.processes):
            try:
                if self.admin.request("GET", "/readyz").status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        logs = [self.folder / f"{program.name}.log" for program in (self.assets.etcd, self.assets.apiserver)]
        last = [f"{log.name}: {log.read_text(errors='replace')[-600:]}" for log in logs if log.exists()]
        raise StartError("the API server did not get ready:\n" + "\n".join(last))

    def _stop(self) -> None:
        # Nothing of what they hold is needed any more, and a graceful end waits for every watch.
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()

    # Identities ----------------------------------------------------------------------------------

    def kubeconfig(self, user: str, *, groups: Sequence[str] = (), token: str = "") -> Path:
        """Write a kubeconfig whose context `live` reaches the server as a user.

        Parameters
        ----------
        user, groups
            Who a certificate is made for, on the spot.
        token
            A bearer token to use instead.
        """
        if token:
            credentials: dict[str, str] = {"token": token}
        else:
            certificate, key = self.authority.client(user, groups)
            credentials = {"client-certificate": str(certificate), "client-key": str(key)}
        cluster = {"server": self.url, "certificate-authority": str(self.authority.certificate)}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "live", "cluster": cluster}],
            "users": [{"name": "live", "user": credentials}],
            "contexts": [{"name": "live", "context": {"cluster": "live", "user": "live"}}],
            "current-context": "live",
        }
        return self._file(f"kubeconfig-{secrets.token_hex(4)}", json.dumps(content))

    def api(self, user: str, groups: Sequence[str] = ()) -> Api:
        """Return requests in the name of a user, with a certificate made on the spot."""
        return Api(self.url, self.authority.certificate, self.authority.client(user, groups))

    # What the server did -------------------------------------------------------------------------

    def audit_events(self, user: str = "", stage: str = "RequestReceived", start: int = 0) -> list[dict[str, Any]]:
        """Return the events of the audit log, of one user or of all, from an offset in bytes on.

        The log is written before a request goes on, so an answered request is always in it with its
        first stage.
        """
        with self.audit_log.open(encoding="utf-8") as lines:
            lines.seek(start)
            events = [json.loads(line) for line in lines if line.endswith("\n")]
        return [each for each in events if each["stage"] == stage and (not user or each["user"]["username"] == user)]

    def etcd(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Ask etcd itself, through its HTTP gateway."""
        import urllib3

        reply = urllib3.request("POST", f"{self.etcd_url}/v3/{path}", json=dict(body), timeout=60)
        assert reply.status == 200, reply.data
        return dict(reply.json())

    def stored(self, key: str) -> bytes:
        """Return what etcd holds under a key."""
        [found] = self.etcd("kv/range", {"key": base64.b64encode(key.encode()).decode()})["kvs"]
        return base64.b64decode(found["value"])

    def expire_lists(self) -> None:
        """Compact etcd up to now: lists that were begun before cannot be continued."""
        revision = self.etcd("kv/range", {"key": base64.b64encode(b"/registry/none").decode()})["header"]["revision"]
        self.etcd("kv/compaction", {"revision": revision, "physical": True})


def _encryption() -> dict[str, Any]:
    key = {"name": "made-on-the-spot", "secret": base64.b64encode(secrets.token_bytes(32)).decode()}
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [{"resources": ["secrets"], "providers": [{"secretbox": {"keys": [key]}}, {"identity": {}}]}],
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
