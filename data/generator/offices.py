"""What the hospital runs that knows no patient: its website, what its people share, what they learn with."""

from __future__ import annotations

from model import Budget, Declaration, Namespace, Route, Service
from shapes import MIRROR, deployment, web

# Namespace, name, image, replicas, and the name under which it can be reached; "" is for other pods alone.
SERVED = (
    ("website", "website", "website/site:2026.11.0", 6, "www.clinic.example"),
    ("website", "newsroom", "website/newsroom:4.2.1", 3, "news.clinic.example"),
    ("intranet", "intranet", "intranet/portal:12.0.3", 4, "intranet.clinic.example"),
    ("intranet", "wiki", "intranet/wiki:1.43.1", 3, "wiki.clinic.example"),
    ("intranet", "phone-book", "intranet/phone-book:2.8.0", 2, "phone.clinic.example"),
    ("intranet", "roster", "intranet/roster:6.1.4", 3, "roster.clinic.example"),
    ("intranet", "roster-planner", "intranet/roster-planner:6.1.4", 2, ""),
    ("learning", "courses", "learning/courses:4.5.2", 4, "learn.clinic.example"),
    ("learning", "video", "learning/video:3.0.9", 4, "video.clinic.example"),
    ("learning", "transcoder", "learning/transcoder:3.0.9", 3, ""),
)
NAMESPACES = tuple(dict.fromkeys(namespace for namespace, *_ in SERVED))


def offices() -> list[Declaration]:
    """Declare these namespaces and all that serves in them."""
    return [
        *(Namespace(name, False, "production", "restricted", "count", True, signed=True) for name in NAMESPACES),
        *(one for served in SERVED for one in _served(*served)),
    ]


def _served(namespace: str, name: str, image: str, replicas: int, hostname: str) -> list[Declaration]:
    container = web(name, f"{MIRROR}/{image}", "/healthz", cpu=100, memory=256)
    return [
        deployment(namespace, container, replicas=replicas, priority=""),
        Service(namespace, name, {"http": (80, "http")}, app=name),
        Budget(namespace, name, name),
        *([Route(namespace, name, hostname, 80)] if hostname else []),
    ]


ENTRY = "Deployment/ingress-nginx/ingress-nginx"
FLOWS = (
    *((ENTRY, f"Deployment/{namespace}/{name}", 8080) for namespace, name, _, _, hostname in SERVED if hostname),
    ("Deployment/intranet/roster", "Deployment/intranet/roster-planner", 8080),
    ("Deployment/learning/video", "Deployment/learning/transcoder", 8080),
)
"""Who opens a connection to whom here, and on which port."""
