"""What operators are told of the TLS that the API server is to speak.

Source: https://docs.redhat.com/en/documentation/openshift_container_platform/latest/html/security_and_compliance/tls-security-profiles
"""

from __future__ import annotations

from collections.abc import Iterator

from hipaa_kit.inventory.fields import mapping, text
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.transit import TLS_PROFILES

API_SERVER = custom("config.openshift.io", "APIServer")


@builds(TLS_PROFILES, reads=[API_SERVER])
def tls_profiles(snapshot: Snapshot) -> Iterator[dict[str, str]]:
    """Yield a row per APIServer of OpenShift; one that names no profile has the default one, Intermediate."""
    for record in snapshot.records(API_SERVER):
        profile = mapping(record.content, "spec", "tlsSecurityProfile")
        yield {
            "object": record.object,
            "profile": text(profile, "type", default="Intermediate"),
            "min_version": text(profile, "custom", "minTLSVersion"),
        }
