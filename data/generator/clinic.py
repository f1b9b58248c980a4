"""The whole clinic: what is declared, the faults planted in it, the objects that come of both."""

from __future__ import annotations

from collections.abc import Iterable

import hospital as software
import infrastructure
import offices
from access import access, add_access
from assurance import assurance
from backups import backups
from cluster import add_cluster
from events import add_events
from faults import Fault
from inputs import inputs, settings
from measurements import measurements
from model import Custom, Hospital, object_id
from network import add_network
from objects import Cluster
from observability import observability
from policies import policies
from scaling import add_scaling
from scans import add_scans, scans
from secret_stores import external_secrets, vault
from series import series
from signed import signed
from storage import add_storage
from trail.sign_ins import sign_ins
from workloads import add_workloads


def declare() -> Hospital:
    """Return the repaired hospital."""
    running = [
        *infrastructure.namespaces(),
        *software.namespaces(),
        *infrastructure.control_plane(),
        *infrastructure.node_agents(),
        *infrastructure.cluster_services(),
        *infrastructure.backup(),
        *observability(),
        *software.ehr(),
        *software.imaging(),
        *software.integration(),
        *software.portal(),
        *software.identity_research_staging(),
        *offices.offices(),
    ]
    hospital = Hospital(
        *running,
        *infrastructure.machines(),
        *external_secrets(running),
        *software.routes(),
        *policies(),
        *access(),
        *backups(),
        *software.scope(),
        *inputs(),
        *signed(),
        *assurance(),
        *scans(running),
        vault(),
    )
    more = (*measurements(hospital), *series(hospital), settings(), sign_ins(hospital))
    for each in more:
        hospital.declared[object_id(each)] = each
    return hospital


def plant(faults: Iterable[Fault]) -> Hospital:
    """Return the hospital with these faults."""
    hospital = declare()
    for patch in dict.fromkeys(fault.patch for fault in faults):
        patch(hospital)
    return hospital


def render(hospital: Hospital) -> Cluster:
    """Return the objects of the cluster in which the hospital runs."""
    cluster = Cluster()
    add_workloads(cluster, hospital)
    add_scaling(cluster, hospital)
    add_storage(cluster, hospital)
    add_network(cluster, hospital)
    add_cluster(cluster, hospital)
    add_access(cluster, hospital)
    add_events(cluster, hospital)
    add_scans(cluster, hospital)
    for one in hospital.all(Custom):
        cluster.add(
            *(one.kind, one.namespace, one.name, one.content),
            created=one.created,
            labels=one.labels,
            annotations=one.annotations,
        )
    return cluster
