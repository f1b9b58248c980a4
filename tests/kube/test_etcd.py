"""Whom a member of etcd lets in, by its flags."""

import pytest

from hipaa_kit.kube.command_flags import command_flags
from hipaa_kit.kube.etcd import CERTIFICATES, LOCAL, OPEN, UNKNOWN, clients_let_in

NODE = "--listen-client-urls=https://127.0.0.1:2379,https://10.0.0.1:2379"
CA = "--trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt"
ASKED = ("--client-cert-auth", CA)


@pytest.mark.parametrize(
    ("words", "clients"),
    [
        ([], UNKNOWN),
        (["--listen-client-urls="], UNKNOWN),
        (["--advertise-client-urls=https://10.0.0.1:2379", *ASKED], UNKNOWN),
        ([NODE, *ASKED, "--config-file=/etc/etcd.yml"], UNKNOWN),
        ([NODE, *ASKED], CERTIFICATES),
        ([NODE, "--client-cert-auth=false", CA], OPEN),
        ([NODE, "--client-cert-auth"], OPEN),
        ([NODE, CA], OPEN),
        (["--listen-client-urls=http://10.0.0.1:2379", *ASKED], OPEN),
        (["--listen-client-urls=HTTPS://[fd00::1]:2379", *ASKED], CERTIFICATES),
        ([NODE, *ASKED, "--listen-client-http-urls=http://10.0.0.1:2382"], OPEN),
        ([NODE, *ASKED, "--listen-metrics-urls", "http://0.0.0.0:2381"], OPEN),
        ([NODE, *ASKED, "--listen-metrics-urls=http://127.0.0.1:2381"], CERTIFICATES),
        (["--listen-client-urls=http://localhost:2379, http://[::1]:2379"], LOCAL),
        (["--listen-client-urls=http://localhost.example:2379"], OPEN),
        (["--listen-client-urls=unix://etcd:0"], OPEN),
        (["--listen-client-urls=http://127.0.0.1:2379", NODE], OPEN),
    ],
)
def test_clients_that_are_let_in(words: list[str], clients: str) -> None:
    assert clients_let_in(list(command_flags(words))) == clients
