"""What each controller of Ingresses makes of TLS and of plain requests, by its documentation."""

from __future__ import annotations

import pytest

from hipaa_kit.graph.ingress_tls import Group, ended

ALB, TECH, COMMUNITY = "ingress.k8s.aws/alb", "haproxy.org/ingress-controller", "haproxy-ingress.github.io/controller"
CERTIFICATE = {"certificate-arn": "arn:aws:acm:eu-west-1:1:certificate/1"}
BOTH = {"listen-ports": '[{"HTTP": 80}, {"HTTPS": 443}]'}


@pytest.mark.parametrize(
    ("notes", "parameters", "tls", "plain"),
    [
        ({}, False, "none", "served"),
        (CERTIFICATE, False, "terminated", "closed"),
        ({"listen-ports": '[{"HTTPS":443}]'}, False, "terminated", "closed"),
        ({**BOTH, **CERTIFICATE}, False, "terminated", "served"),
        ({**BOTH, "ssl-redirect": "443"}, False, "terminated", "redirected"),
        ({"ssl-redirect": "443"}, False, "none", "served"),
        ({**BOTH, "actions.ssl-redirect": "{}"}, False, "terminated", "unknown"),
        # Parameters of the class may name a certificate, and are not read.
        ({}, True, "unknown", "unknown"),
        ({**BOTH, **CERTIFICATE}, True, "terminated", "unknown"),
        ({"listen-ports": '[{"HTTPS":443}]'}, True, "terminated", "closed"),
        # Others of the group may open what this one does not.
        ({"group.name": "ehr"}, False, "unknown", "unknown"),
        ({"group.name": "ehr", **BOTH}, False, "terminated", "unknown"),
    ],
)
def test_the_load_balancer_of_aws(notes: dict[str, str], parameters: bool, tls: str, plain: str) -> None:
    written = {f"alb.ingress.kubernetes.io/{name}": value for name, value in notes.items()}
    found = ended(ALB, written, named=False, parameters=parameters)
    assert (found.tls, found.plain) == (tls, plain)


@pytest.mark.parametrize(
    ("notes", "group", "tls", "plain"),
    [
        ({}, Group(), "none", "served"),
        ({}, Group(redirects=True), "unknown", "unknown"),
        (BOTH, Group(), "terminated", "served"),
        (BOTH, Group(redirects=True), "terminated", "redirected"),
        (BOTH, Group(whole=False, redirects=True), "terminated", "unknown"),
        (BOTH, Group(acts=True), "terminated", "unknown"),
        (CERTIFICATE, Group(), "terminated", "closed"),
    ],
)
def test_a_group_of_aws_that_was_seen_whole_is_judged(
    notes: dict[str, str], group: Group, tls: str, plain: str
) -> None:
    written = {f"alb.ingress.kubernetes.io/{name}": value for name, value in {"group.name": "ehr", **notes}.items()}
    found = ended(ALB, written, named=False, group=group)
    assert (found.tls, found.plain) == (tls, plain)


@pytest.mark.parametrize(
    ("controller", "notes", "plain"),
    [
        (TECH, {}, "unknown"),
        (TECH, {"haproxy.org/ssl-redirect": "true"}, "redirected"),
        (TECH, {"haproxy.com/ssl-redirect": "true"}, "redirected"),
        (TECH, {"ingress.kubernetes.io/ssl-redirect": "true"}, "redirected"),
        (TECH, {"haproxy-ingress.github.io/ssl-redirect": "true"}, "unknown"),
        (TECH, {"haproxy.org/ssl-redirect": "false"}, "served"),
        (TECH, {"haproxy.org/ssl-redirect": "perhaps"}, "unknown"),
        (TECH, {"haproxy.org/ssl-redirect": "true", "haproxy.com/ssl-redirect": "false"}, "unknown"),
        (COMMUNITY, {"haproxy-ingress.github.io/ssl-redirect": "true"}, "redirected"),
        (COMMUNITY, {"ingress.kubernetes.io/ssl-redirect": "false"}, "served"),
        (COMMUNITY, {"haproxy.org/ssl-redirect": "true"}, "unknown"),
    ],
)
def test_each_of_the_controllers_called_haproxy_reads_its_own_prefixes(
    controller: str, notes: dict[str, str], plain: str
) -> None:
    assert ended(controller, notes, named=True).plain == plain
    assert ended(controller, notes, named=False).tls == "none"
