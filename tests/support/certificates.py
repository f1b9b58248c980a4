"""Certificates made on the spot with openssl: one authority, a server, and any client that is asked for."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

SERVER_NAMES = "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc"


class Authority:
    """A certificate authority in a folder; keys are P-256 and live as long as the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700)
        self.certificate, self._key = folder / "ca.crt", folder / "ca.key"
        _make_key(self._key)
        subject = ["-subj", "/CN=live tests", "-days", "2"]
        _openssl("req", "-x509", "-new", "-key", self._key, *subject, "-out", self.certificate)

    def server(self) -> tuple[Path, Path]:
        """Return certificate and key of a server on loopback."""
        return self._sign("server", "/CN=kube-apiserver", f"{SERVER_NAMES}\nextendedKeyUsage=serverAuth")

    def client(self, user: str, groups: Sequence[str] = ()) -> tuple[Path, Path]:
        """Return certificate and key of a user in some groups: CN and O, as Kubernetes reads them."""
        subject = "".join(f"/O={group}" for group in groups) + f"/CN={user}"
        return self._sign(user.replace(":", "-"), subject, "extendedKeyUsage=clientAuth")

    def key(self, name: str) -> Path:
        """Return a key of its own, as for signing service account tokens."""
        _make_key(self.folder / f"{name}.key")
        return self.folder / f"{name}.key"

    def _sign(self, name: str, subject: str, extensions: str) -> tuple[Path, Path]:
        key, request, certificate = (self.folder / f"{name}.{ending}" for ending in ("key", "csr", "crt"))
        _make_key(key)
        _openssl("req", "-new", "-key", key, "-subj", subject, "-out", request)
        (self.folder / f"{name}.ext").write_text(extensions + "\n")
        by = ["-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial", "-days", "2"]
        _openssl("x509", "-req", "-in", request, *by, "-extfile", self.folder / f"{name}.ext", "-out", certificate)
        return certificate, key


def _make_key(path: Path) -> None:
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"openssl {arguments[0]}: {done.stderr}"
