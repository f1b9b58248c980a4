"""What names and images claim of TLS."""

import pytest

from hipaa_kit.kube.tls import PLAIN_PORTS, TLS_PORTS, is_proxy, names_tls


@pytest.mark.parametrize(
    "name", ["https", "hl7-tls", "tls", "mllps", "web-https", "ldaps", "kubernetes.io/wss", "HTTPS"]
)
def test_a_name_claims_tls(name: str) -> None:
    assert names_tls(name)


@pytest.mark.parametrize(
    "name", ["", "http", "turtles", "postgresql", "kubernetes.io/ws", "http-2", "httpsx", "settlsd"]
)
def test_a_name_that_only_looks_like_it_does_not(name: str) -> None:
    assert not names_tls(name)


def test_no_port_is_plain_and_inside_tls() -> None:
    assert not TLS_PORTS & set(PLAIN_PORTS)


@pytest.mark.parametrize(
    ("repository", "proxy"),
    [
        ("registry.example/platform/stunnel", True),
        ("ghostunnel", True),
        ("nginx", False),
        ("example/stunnel-exporter", False),
    ],
)
def test_images_that_do_nothing_but_tls(repository: str, proxy: bool) -> None:
    assert is_proxy(repository) is proxy
