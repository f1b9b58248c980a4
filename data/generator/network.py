"""Services with what stands behind them, ingress routes with their certificates, network policies."""

from __future__ import annotations

from model import APP, Hospital, Policy, Route, Service, Workload, zone_of
from objects import Cluster, Object, moment, owner, suffix, uid
from pods import Replica, protocol, replicas

CREATED = "2026-03-09"


def add_network(cluster: Cluster, hospital: Hospital) -> None:
    """Add Services and all that hangs on them, routes and policies."""
    add_api_service(cluster)
    for number, service in enumerate(hospital.all(Service), 20):
        add_service(cluster, hospital, service, number)
    for route in hospital.all(Route):
        add_route(cluster, route)
    for policy in hospital.all(Policy):
        created = moment("2026-04-20", "policy", policy.namespace, policy.name)
        cluster.add(policy.kind, policy.namespace, policy.name, {"spec": policy.spec}, created=created, generation=1)


def add_api_service(cluster: Cluster) -> None:
    """Add the Service of the API server, which its own members keep."""
    created = "2025-02-03T06:12:41Z"
    addresses = [f"10.40.0.{last}" for last in (11, 12, 13)]
    labels = {"component": "apiserver", "provider": "kubernetes"}
    ports: list[Object] = [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}]
    spec = service_spec("10.96.0.1", ports) | {"type": "ClusterIP"}
    cluster.add(
        "Service",
        "default",
        "kubernetes",
        {"spec": spec, "status": {"loadBalancer": {}}},
        created=created,
        labels=labels,
    )
    ready = {"ready": True}
    cluster.add(
        "EndpointSlice",
        "default",
        "kubernetes",
        {
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": ready} for address in addresses],
            "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}],
        },
        created=created,
        labels={"kubernetes.io/service-name": "kubernetes"},
    )
    cluster.add(
        "Endpoints",
        "default",
        "kubernetes",
        {
            "subsets": [
                {
                    "addresses": [{"ip": address} for address in addresses],
                    "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}],
                }
            ]
        },
        created=created,
        labels={"endpointslice.kubernetes.io/skip-mirror": "true"},
    )
    add_address(cluster, "default", "kubernetes", "10.96.0.1")


def service_spec(address: str, ports: list[Object]) -> Object:
    """Return what the API server fills in for a Service with an address, or headless with `None`."""
    return {
        "clusterIP": address,
        "clusterIPs": [address],
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "ports": ports,
        "sessionAffinity": "None",
    }


def add_address(cluster: Cluster, namespace: str, name: str, address: str) -> None:
    """Add the IPAddress that reserves the address of a Service."""
    reference = {"namespace": namespace, "name": name, "resource": "services"}
    cluster.add(
        "IPAddress",
        "",
        address,
        {"spec": {"parentRef": reference}},
        created=moment(CREATED, "service", namespace, name),
        labels={
            "ipaddress.kubernetes.io/ip-family": "IPv4",
            "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
        },
    )


def add_service(cluster: Cluster, hospital: Hospital, service: Service, number: int) -> None:
    """Add one Service and, unless it is only a name, what stands behind it."""
    created = moment(CREATED, "service", service.namespace, service.name)
    address = "None" if service.headless else f"10.96.{number // 8}.{10 + 7 * number % 240}"
    if service.name == "kube-dns":
        address = "10.96.0.10"
    ports: list[Object] = [
        {"name": name, "port": port, "protocol": protocol(name), "targetPort": target}
        for name, (port, target) in service.ports.items()
    ]
    status: Object = {"loadBalancer": {}}
    if service.external_name:
        spec: Object = {
            "externalName": service.external_name,
            "ports": ports,
            "sessionAffinity": "None",
            "type": "ExternalName",
        }
    else:
        spec = service_spec(address, ports) | {"type": "ClusterIP"}
    if service.app:
        spec["selector"] = {APP: service.app}
    if service.balancer:
        for offset, port in enumerate(ports):
            port["nodePort"] = 30_000 + number * 20 + offset
        spec |= {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}
        spec |= {"loadBalancerSourceRanges": list(service.ranges)} if service.ranges else {}
        spec |= {"allocateLoadBalancerNodePorts": True, "healthCheckNodePort": 32_000 + number}
        status = {"loadBalancer": {"ingress": [{"ip": service.balancer, "ipMode": "VIP"}]}}
    cluster.add(
        "Service",
        service.namespace,
        service.name,
        {"spec": spec, "status": status},
        created=created,
        labels={APP: service.app or service.name},
        annotations={"metallb.io/ip-allocated-from-pool": "clinic"} if service.balancer else None,
    )
    if service.external_name:
        return
    if not service.headless:
        add_address(cluster, service.namespace, service.name, address)
    add_endpoints(cluster, hospital, service, created)


def add_endpoints(cluster: Cluster, hospital: Hospital, service: Service, created: str) -> None:
    """Add the EndpointSlice of a Service, and the older Endpoints beside it."""
    chosen = [
        (workload, replica)
        for workload in hospital.all(Workload)
        if service.app and (workload.namespace, workload.name) == (service.namespace, service.app)
        for replica in replicas(hospital, workload)
    ]
    by_hand = not service.app
    endpoints: list[Object] = [endpoint(service, replica) for _, replica in chosen]
    if by_hand:
        endpoints = [{"addresses": [one], "conditions": {"ready": True}} for one in service.addresses]
    named = {
        name: port for workload, _ in chosen[:1] for one in workload.containers for name, port in one.ports.items()
    }
    ports: list[Object] = [
        {
            "name": name,
            "port": target if isinstance(target, int) else named[target],
            "protocol": protocol(name),
        }
        for name, (_, target) in service.ports.items()
        if isinstance(target, int) or target in named
    ]
    labels = {
        "endpointslice.kubernetes.io/managed-by": "dba.clinic.example"
        if by_hand
        else "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": service.name,
    }
    cluster.add(
        "EndpointSlice",
        service.namespace,
        f"{service.name}-{suffix(5, 'slice', service.namespace, service.name)}",
        # A Service without pods keeps one slice, in which both lists are null.
        {"addressType": "IPv4", "endpoints": endpoints or None, "ports": ports or None},
        created=created,
        labels=labels | ({"service.kubernetes.io/headless": ""} if service.headless else {}),
        owned_by=None if by_hand else owner("Service", service.namespace, service.name),
        generateName="" if by_hand else f"{service.name}-",
        generation=1,
    )
    if not by_hand:
        subsets = {"subsets": [subset(endpoints, ports)]} if endpoints else {}
        cluster.add(
            "Endpoints",
            service.namespace,
            service.name,
            subsets,
            created=created,
            labels={APP: service.app, "endpoints.kubernetes.io/managed-by": "endpoint-controller"},
        )


def endpoint(service: Service, replica: Replica) -> Object:
    """Return one pod as an endpoint."""
    place = zone_of(replica.node)
    named = {"hostname": replica.name} if service.headless else {}
    return {
        "addresses": [replica.address],
        "conditions": {"ready": replica.ready, "serving": replica.ready, "terminating": False},
        **named,
        "nodeName": replica.node,
        "targetRef": target(service.namespace, replica.name),
        "zone": place,
    }


def target(namespace: str, name: str) -> Object:
    """Return the reference to a pod."""
    return {"kind": "Pod", "namespace": namespace, "name": name, "uid": uid("Pod", namespace, name)}


def subset(endpoints: list[Object], ports: list[Object]) -> Object:
    """Return endpoints as the older kind groups them: ready or not."""
    groups: Object = {"addresses": [], "notReadyAddresses": []}
    for one in endpoints:
        group = "addresses" if one["conditions"]["ready"] else "notReadyAddresses"
        groups[group].append({"ip": one["addresses"][0], "nodeName": one["nodeName"], "targetRef": one["targetRef"]})
    return {name: group for name, group in groups.items() if group} | {"ports": ports}


def add_route(cluster: Cluster, route: Route) -> None:
    """Add an Ingress with the Certificate that cert-manager keeps for it; without TLS there is none."""
    namespace, name, hostname, port = route.namespace, route.name, route.hostname, route.port
    created = moment("2026-04-02", "ingress", namespace, name)
    secret = f"{name}-tls"
    backend = {"service": {"name": name, "port": {"number": port}}}
    path = {"backend": backend, "path": "/", "pathType": "Prefix"}
    secured: Object = {"tls": [{"hosts": [hostname], "secretName": secret}]} if route.tls else {}
    ingress = cluster.add(
        "Ingress",
        namespace,
        name,
        {
            "spec": {
                "ingressClassName": "nginx",
                "rules": [{"host": hostname, "http": {"paths": [path]}}],
                **secured,
            },
            "status": {"loadBalancer": {"ingress": [{"ip": "10.40.1.10"}]}},
        },
        created=created,
        annotations={
            "cert-manager.io/cluster-issuer": "clinic-ca",
            "nginx.ingress.kubernetes.io/ssl-redirect": "true" if route.redirect else "false",
        },
        generation=1,
    )
    if not route.tls:
        return
    reference = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": name}
    issued = {"type": "Ready", "status": "True", "reason": "Ready", "message": "Certificate is up to date"}
    if not route.issued:
        said = "Issuing certificate as Secret does not exist"
        issued = {"type": "Ready", "status": "False", "reason": "DoesNotExist", "message": said}
    cluster.add(
        "Certificate",
        namespace,
        secret,
        {
            "spec": {
                "dnsNames": [hostname],
                "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "clinic-ca"},
                "secretName": secret,
                "usages": ["digital signature", "key encipherment"],
            },
            "status": {
                "conditions": [{**issued, "lastTransitionTime": created, "observedGeneration": 1}],
                "notAfter": route.ends,
                "notBefore": "2026-10-02T06:00:00Z",
                **({"renewalTime": route.renewal} if route.renewal else {}),
            },
        },
        created=created,
        owned_by={**reference, "uid": ingress["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True},
        generation=1,
    )
