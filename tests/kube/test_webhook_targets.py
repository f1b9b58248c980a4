"""Whom a webhook asks, and whether that is outside the cluster."""

from typing import Any

import pytest

from hipaa_kit.kube.admission.targets import guards, target_of


@pytest.mark.parametrize(
    ("client", "host", "outside"),
    [
        ({"url": "https://hooks.example.com/mutate"}, "hooks.example.com", True),
        ({"url": "https://hooks.example.com:8443"}, "hooks.example.com", True),
        ({"url": "https://user:word@Hooks.example.com/x"}, "hooks.example.com", True),
        ({"url": "https://127.0.0.1:23443/mutate"}, "127.0.0.1", False),
        ({"url": "https://[::1]:23443/mutate"}, "::1", False),
        ({"url": "https://[2001:db8::1]/mutate"}, "2001:db8::1", True),
        ({"url": "https://203.0.113.9?x=1"}, "203.0.113.9", True),
        ({"url": "https://localhost/x"}, "localhost", False),
        ({"url": "https://guard.guard.svc:443/v"}, "guard.guard.svc", False),
        ({"url": "https://guard.guard.svc.cluster.local./v"}, "guard.guard.svc.cluster.local.", False),
        ({"url": "https://svc/v"}, "svc", True),
        ({"url": "no address"}, "no address", True),
        ({"service": {"namespace": "a", "name": "b"}, "url": "https://x.example"}, "", False),
        ({}, "", False),
        ([], "", False),
    ],
)
def test_whom_a_webhook_asks(client: Any, host: str, outside: bool) -> None:
    target = target_of({"clientConfig": client})
    assert (target.host, target.outside) == (host, outside)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("validate.kyverno.svc-fail", "policies of Kyverno"),
        ("validation.gatekeeper.sh", "policies of Gatekeeper"),
        ("policy.sigstore.dev", "signatures, by policy-controller"),
        ("webhook.cert-manager.io", ""),
    ],
)
def test_webhooks_that_are_known_to_guard(name: str, what: str) -> None:
    assert guards(name) == what
