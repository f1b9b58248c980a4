"""What the controllers of Ingresses make of TLS and of requests without it.

A redirect that rests on a controller's default may be turned off in its ConfigMap, which is not read: `unknown`.
Source: https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/,
https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/,
https://cloud.google.com/kubernetes-engine/docs/how-to/ingress-configuration,
https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/ingress/,
https://haproxy-ingress.github.io/docs/configuration/keys/#ssl-redirect,
https://github.com/haproxytech/kubernetes-ingress/blob/master/documentation/annotations.md#https,
https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/ingress_class/#ingressclassparams,
https://azure.github.io/application-gateway-kubernetes-ingress/annotations/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from hipaa_kit.inventory.fields import text

Notes = Mapping[str, Any]

NGINX = "nginx.ingress.kubernetes.io/"
ALB = "alb.ingress.kubernetes.io/"
ALB_CONTROLLER = "ingress.k8s.aws/alb"
GROUP_NAME = f"{ALB}group.name"
GCE_CONTROLLER = "k8s.io/ingress-gce"
APPGW = "appgw.ingress.kubernetes.io/"
FRONTEND = "networking.gke.io/v1beta1.FrontendConfig"
GCE_CERTIFICATES = ("ingress.gcp.kubernetes.io/pre-shared-cert", "networking.gke.io/managed-certificates")
TRAEFIK = "traefik.ingress.kubernetes.io/router."
GCE_MARK = "ingress.kubernetes.io/url-map"
"""What the controller of GKE writes on an Ingress that it serves; it serves those without a class as well.

Source: https://cloud.google.com/kubernetes-engine/docs/how-to/custom-ingress-controller, looked up on 2026-11-27.
"""
SECURE_ENTRY = "websecure"
_LISTENER = re.compile(r'"(HTTPS?)"')

CONTROLLER_OF_CLASS = {
    "nginx": "k8s.io/ingress-nginx",
    "alb": ALB_CONTROLLER,
    "gce": GCE_CONTROLLER,
    "gce-internal": GCE_CONTROLLER,
    "traefik": "traefik.io/ingress-controller",
    "haproxy": "haproxy.org/ingress-controller",
    "azure/application-gateway": "azure/application-gateway",
}
"""Controllers by the older annotation, where no IngressClass has that name."""


class Group(NamedTuple):
    """What the Ingresses say together that one load balancer of AWS serves; of one alone, what it says itself."""

    whole: bool = True
    """All Ingresses and classes were seen."""
    redirects: bool = False
    """One of them redirects, which counts for all."""
    acts: bool = False
    """A path of one leads to an action of its own, which may redirect."""


class Ended(NamedTuple):
    """What becomes of TLS and of plain requests, and what that rests on."""

    tls: str
    plain: str
    basis: str


def ended(
    controller: str,
    notes: Notes,
    *,
    named: bool,
    redirects: bool | None = None,
    parameters: bool = False,
    group: Group | None = None,
) -> Ended:
    """Return what a controller makes of one host of an Ingress.

    Parameters
    ----------
    controller
        As an IngressClass names it; "" where it is not known.
    notes
        Annotations of the Ingress.
    named
        An entry under `tls` covers the host.
    redirects
        What the FrontendConfig that the Ingress names says; None where it names none, or it was not seen.
    parameters
        Its IngressClass has parameters, which are not read.
    group
        What those say that share a load balancer of AWS with it; None where that is not known.
    """
    if controller == ALB_CONTROLLER:
        return _alb(notes, parameters, group or Group(whole=False, acts=True))
    if controller == GCE_CONTROLLER:
        return _gce(notes, named, redirects)
    rule = CONTROLLERS.get(controller)
    if rule is not None:
        return rule(notes, named)
    if not named:
        return Ended("none", "served", "no entry under tls names the host")
    return Ended(
        "terminated", "unknown", f"what {controller or 'its controller'} does with plain requests is not known"
    )


def _nginx(notes: Notes, named: bool) -> Ended:
    said, forced = (text(notes, f"{NGINX}{name}") for name in ("ssl-redirect", "force-ssl-redirect"))
    if text(notes, f"{NGINX}ssl-passthrough") == "true":
        return Ended("passthrough", "unknown", "ssl-passthrough has no effect without a flag of the controller")
    if not named:
        return Ended("none", "served", "no entry under tls names the host")
    tls = "reencrypted" if text(notes, f"{NGINX}backend-protocol").upper() in ("HTTPS", "GRPCS") else "terminated"
    if "true" in (said, forced):
        name = "force-ssl-redirect" if forced == "true" else "ssl-redirect"
        return Ended(tls, "redirected", f"annotation {name} is true")
    if said == "false":
        return Ended(tls, "served", "annotation ssl-redirect is false")
    return Ended(tls, "unknown", "redirects by default, unless the ConfigMap of the controller says otherwise")


def _alb(notes: Notes, parameters: bool, group: Group) -> Ended:
    written, certificate = text(notes, f"{ALB}listen-ports"), text(notes, f"{ALB}certificate-arn")
    opened = set(_LISTENER.findall(written)) or ({"HTTPS"} if certificate else {"HTTP"})
    shared = text(notes, GROUP_NAME)
    tls = "terminated" if "HTTPS" in opened else "none"
    if text(notes, f"{ALB}ssl-redirect") and "HTTPS" in opened:
        return Ended(tls, "redirected", "annotation ssl-redirect is set")
    if shared and group.whole and group.redirects and tls == "terminated":
        return Ended(tls, "redirected", f"annotation ssl-redirect is set by another Ingress of group {shared}")
    if shared and tls == "none" and (group.redirects or not group.whole):
        return Ended("unknown", "unknown", f"another Ingress of group {shared} may open HTTPS and redirect")
    if parameters and (tls == "none" or "HTTP" in opened):
        return Ended("unknown" if not written else tls, "unknown", "parameters of its class may name a certificate")
    if "HTTP" not in opened:
        return Ended(tls, "closed", "the load balancer listens by HTTPS alone")
    if shared and not group.whole:
        return Ended(tls, "unknown", f"another Ingress of group {shared} may redirect")
    if tls == "terminated" and group.acts and (shared or any(name.startswith(f"{ALB}actions.") for name in notes)):
        return Ended(tls, "unknown", f"an action {f'of group {shared}' if shared else 'of its own'} may redirect")
    return Ended(tls, "served", f"the load balancer listens by HTTP: listen-ports is {'set' if written else 'not set'}")


def _gce(notes: Notes, named: bool, redirects: bool | None) -> Ended:
    given = named or any(text(notes, name) for name in GCE_CERTIFICATES)
    if not given:
        return Ended("none", "served", "neither an entry under tls nor a certificate of the cloud")
    if text(notes, "kubernetes.io/ingress.allow-http") == "false":
        return Ended("terminated", "closed", "annotation allow-http is false")
    name = text(notes, FRONTEND)
    if redirects:
        return Ended("terminated", "redirected", f"FrontendConfig {name} redirects")
    if name and redirects is None:
        return Ended("terminated", "unknown", f"FrontendConfig {name} was not seen")
    return Ended("terminated", "served", "plain requests are served unless they are turned off or redirected")


def _traefik(notes: Notes, named: bool) -> Ended:
    entries = {each.strip() for each in text(notes, f"{TRAEFIK}entrypoints").split(",") if each.strip()}
    secured = named or text(notes, f"{TRAEFIK}tls") == "true"
    if not secured:
        return Ended(
            "none" if entries != {SECURE_ENTRY} else "unknown",
            "unknown" if entries else "served",
            "neither an entry under tls nor annotation router.tls",
        )
    if entries == {SECURE_ENTRY}:
        return Ended("terminated", "closed", f"it is on entry point {SECURE_ENTRY} alone")
    return Ended(
        "terminated", "unknown", "whether the other entry points redirect stands in Traefik's own configuration"
    )


def _haproxy(prefixes: tuple[str, ...], notes: Notes, named: bool) -> Ended:
    said = sorted({value for prefix in prefixes if (value := text(notes, f"{prefix}/ssl-redirect"))})
    if not named:
        return Ended("none", "served", "no entry under tls names the host")
    if len(said) > 1:
        return Ended("terminated", "unknown", "annotations of several prefixes say different things of ssl-redirect")
    if said:
        plain = {"true": "redirected", "false": "served"}.get(said[0], "unknown")
        return Ended("terminated", plain, f"annotation ssl-redirect is {said[0]}")
    return Ended("terminated", "unknown", "the default of ssl-redirect stands in the controller's own configuration")


def _azure(notes: Notes, named: bool) -> Ended:
    if not named and not text(notes, f"{APPGW}appgw-ssl-certificate"):
        return Ended("none", "served", "neither an entry under tls nor a certificate of the gateway")
    if text(notes, f"{APPGW}ssl-redirect") == "true":
        return Ended("terminated", "redirected", "annotation ssl-redirect is true")
    return Ended("terminated", "served", "annotation ssl-redirect is not true")


HAPROXY = {
    "haproxy.org/ingress-controller": ("haproxy.org", "haproxy.com", "ingress.kubernetes.io"),
    "haproxy-ingress.github.io/controller": ("haproxy-ingress.github.io", "ingress.kubernetes.io"),
}
"""Prefixes of annotations that each of the two controllers called HAProxy reads."""

CONTROLLERS: Mapping[str, Callable[[Notes, bool], Ended]] = {
    "k8s.io/ingress-nginx": _nginx,
    "traefik.io/ingress-controller": _traefik,
    **{controller: partial(_haproxy, prefixes) for controller, prefixes in HAPROXY.items()},
    "azure/application-gateway": _azure,
}
"""How each controller is read."""
