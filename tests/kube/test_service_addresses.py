"""What is kept of an address that a container is told, and what is not."""

from __future__ import annotations

import pytest

from hipaa_kit.kube.network.addresses import parse_address
from hipaa_kit.kube.service_addresses import address_of, known_address, service_addresses
from hipaa_kit.sources.leaks import looks_secret


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("https://db:8443/fhir/R4", "tls https db 8443"),
        ("https://db", "tls https db 443"),
        ("HTTPS://DB.EHR.Svc.Cluster.Local.:8443", "tls https db.ehr.svc.cluster.local 8443"),
        (" https://db.ehr?x=1 ", "tls https db.ehr 443"),
        ("https://app:hunter2@db:8443", "tls https db 8443"),
        ("https://app:hun@ter2@db:8443", "tls https db 8443"),
        ("rediss://:hunter2@redis", "tls rediss redis 6379"),
        ("amqps://mq", "tls amqps mq 5671"),
        ("wss://push/live", "tls wss push 443"),
        ("grpcs://fhir:50051", "tls grpcs fhir 50051"),
        ("http://db", "plain http db 80"),
        ("redis://redis/0", "plain redis redis 6379"),
        ("postgres://app@db/ehr?sslmode=require", "tls postgres db 5432"),
        ("postgresql://db:6432/ehr?a=b&sslmode=verify-full#x", "tls postgresql db 6432"),
        ("jdbc:postgresql://db/ehr?sslmode=disable", "plain jdbc:postgresql db 5432"),
        ("https://10.244.0.15:8080/api", "tls https 10.244.0.15 8080"),
        ("https://app:hunter2@10.244.0.15?token=hunter2", "tls https 10.244.0.15 443"),
        ("https://app:10.0.0.7@10.244.0.15", "tls https 10.244.0.15 443"),
        ("http://10.244.0.15", "plain http 10.244.0.15 80"),
        ("https://[FD00:10::7]:8443/x#hunter2", "tls https fd00:10::7 8443"),
        ("https://[10.244.0.15]:8080/api", "tls https 10.244.0.15 8080"),
        ("https://app:hunter2@[::ffff:10.0.0.7]", "tls https ::ffff:10.0.0.7 443"),
        ("postgres://10.96.0.7/ehr?sslmode=require", "tls postgres 10.96.0.7 5432"),
    ],
)
def test_of_an_address_scheme_host_and_port_are_known(text: str, known: str) -> None:
    [(place, found)] = service_addresses({"env": [{"name": "URL", "value": text}]}, looks_secret)
    assert (place, found) == ("env/URL", known)
    assert known_address(found) == address_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "db:8443",
        "ldap://directory",
        "https://",
        "https://db:0",
        "https://db:65536",
        "https://db:port",
        "https://$(DB_HOST):8443",
        "https://10.0.0.256:8443",
        "https://010.0.0.7:8443",
        "https://10.0.7:8443",
        "https://10.0.0.7.:8443",
        "https://10.0.0.7.ehr:8443",
        "https://10.0.0.7/word@db:8443",
        "https://10.0.0.7:1/word@db:8443",
        "https://10.0.0.7?word@db",
        "https://10.0.0.7:70000",
        "https://fd00::7",
        "https://[010.0.0.7]",
        "https://[10.0.0.7",
        "https://10.0.0.7]:8443",
        "https://[fd00::7%word]:8443",
        "https://[fd00::7]word:8443",
        "https://[fd00:::7]:8443",
        "https://[db:8443]",
        "postgres://10.0.0.7/ehr",
        "https://4b1d0c",
        "https://api.eu.example.com/x",
        "https://a.b.svcx.c",
        f"https://{'a' * 64}",
        "https://db:8443 https://db:9443",
        "https://one,two:8443",
        "https://user/word@db:8443",
        "https://user:1/word@db:8443",
        "https://user?word@db:8443",
        "https://user#word@db:8443",
        "postgres://db/ehr",
        "postgres://db/ehr?sslmode=prefer",
        "postgres://db/ehr?sslmode=require&sslmode=disable",
        "postgres://db/ehr?sslmode=require&sslmode=other",
        "postgres://one,two/ehr?sslmode=require",
    ],
)
def test_what_is_no_address_of_a_service_or_does_not_settle_tls_is_not_kept(text: str) -> None:
    assert list(service_addresses({"env": [{"name": "URL", "value": text}]}, looks_secret)) == []


@pytest.mark.parametrize("text", ["https://mrn-0012345:8443", "https://mrn:12345", "https://the-mrn:12345/x"])
def test_an_address_that_looks_like_a_secret_is_not_kept(text: str) -> None:
    assert list(service_addresses({"args": [text]}, looks_secret)) == []


def test_addresses_are_found_among_arguments_and_in_commands() -> None:
    container = {
        "command": ["serve", "https://one"],
        "args": ["--url=https://two", "--other", "https://three", 7, "https://four"],
    }
    found = dict(service_addresses(container, looks_secret))
    assert {place: fact.split()[2] for place, fact in found.items()} == {
        "command/1": "one",
        "args/--url": "two",
        "args/--other": "three",
        "args/4": "four",
    }


@pytest.mark.parametrize(
    ("host", "service"),
    [
        ("db", ("ehr", "db")),
        ("db.billing", ("billing", "db")),
        ("db.billing.svc", ("billing", "db")),
        ("db.billing.svc.cluster.local", ("billing", "db")),
    ],
)
def test_a_host_stands_for_a_service(host: str, service: tuple[str, str]) -> None:
    found = address_of(f"https://{host}")
    assert found is not None
    assert found.service("ehr") == service


@pytest.mark.parametrize("written", ["https://10.244.0.15:8080", "https://[fd00:10::7]:8080"])
def test_an_address_by_number_is_told_as_it_is_written_and_can_be_compared(written: str) -> None:
    found = address_of(written)
    assert found is not None
    assert (found.words, found.block) == (written, parse_address(found.host))


def test_a_name_is_no_number_even_if_it_looks_like_a_part_of_one() -> None:
    found = address_of("https://fd00:8443")
    assert found is not None
    assert found.block is None
