"""What a log agent's configuration says of the files it reads, and that nothing else of it passes."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.log_pipelines import LOCAL, REMOTE, glob_covers, log_pipeline

TAIL = "[INPUT]\n    Name tail\n    Tag kube.*\n    Path /var/log/containers/*.log\n"
OUT = "[OUTPUT]\n    Name es\n    Match kube.*\n"
CONTAINERS = "/var/log/containers/*.log"


def classic(*texts: str) -> dict[str, Any] | None:
    return log_pipeline({f"{number}.conf": text for number, text in enumerate(texts)}, {})


def of_yaml(text: str) -> dict[str, Any] | None:
    return log_pipeline({"x.yaml": text}, {"x.yaml": yaml.safe_load(text)})


@pytest.mark.parametrize(
    ("texts", "reads", "excludes", "filtered"),
    [
        ((TAIL + OUT,), [[CONTAINERS, "es"]], [], False),
        ((TAIL, OUT), [[CONTAINERS, "es"]], [], False),
        ((TAIL + OUT.replace("kube.*", "*"),), [[CONTAINERS, "es"]], [], False),
        ((TAIL + OUT.replace("kube.*", "kube.var.log.containers.*"),), [[CONTAINERS, "es"]], [], False),
        ((TAIL + OUT.replace("kube.*", "host.*"),), [[CONTAINERS, ""]], [], False),
        ((TAIL + OUT.replace("Match kube.*", "Match_Regex .*"),), [[CONTAINERS, ""]], [], False),
        ((TAIL + OUT + "    Host 127.0.0.1\n",), [[CONTAINERS, "stdout"]], [], False),
        ((TAIL + OUT.replace("es", "mine"),), [[CONTAINERS, "other"]], [], False),
        (
            (TAIL + "    Exclude_Path /var/log/containers/a_*.log\n" + OUT,),
            [[CONTAINERS, "es"]],
            ["/var/log/containers/a_*.log"],
            False,
        ),
        ((TAIL + "    Exclude_Path ${LEFT_OUT}\n" + OUT,), [[CONTAINERS, "es"]], [], True),
        ((TAIL + OUT + "[FILTER]\n    Name grep\n    Exclude log x\n",), [[CONTAINERS, "es"]], [], True),
        ((TAIL + OUT + "[FILTER]\n    Name kubernetes\n    K8S-Logging.Exclude On\n",), [[CONTAINERS, "es"]], [], True),
        (
            (TAIL + OUT + "[FILTER]\n    Name kubernetes\n    K8S-Logging.Exclude Off\n",),
            [[CONTAINERS, "es"]],
            [],
            False,
        ),
        (("@INCLUDE 1.conf\n" + TAIL, OUT), [[CONTAINERS, "es"]], [], False),
        (("@INCLUDE more.conf\n" + TAIL + OUT,), [[CONTAINERS, "es"]], [], True),
        (("# [OUTPUT]\n" + TAIL + OUT,), [[CONTAINERS, "es"]], [], False),
    ],
)
def test_fluent_bit(texts: tuple[str, ...], reads: list[list[str]], excludes: list[str], filtered: bool) -> None:
    assert classic(*texts) == {"reads": reads, "excludes": excludes, "filtered": filtered}


@pytest.mark.parametrize("text", [TAIL, OUT, "", "[SERVICE]\n    Flush 1\n"])
def test_what_reads_or_sends_nothing_is_no_pipeline(text: str) -> None:
    assert classic(text) is None


VECTOR = "sources: {pods: {type: kubernetes_logs}}\nsinks: {out: {type: loki, inputs: [%s]}}\ntransforms: %s\n"


@pytest.mark.parametrize(
    ("feeds", "transforms", "sinks", "filtered"),
    [
        ("pods", "{}", "loki", False),
        ("po*", "{}", "loki", False),
        ("shape", "{shape: {type: remap, inputs: [pods], source: '.a = 1'}}", "loki", False),
        ("shape", "{shape: {type: remap, inputs: [pods], source: 'abort'}}", "loki", True),
        ("some", "{some: {type: filter, inputs: [pods], condition: x}}", "loki", True),
        ("split.a", "{split: {type: route, inputs: [pods], route: {a: x}}}", "loki", True),
        ("one", "{one: {type: remap, inputs: [two]}, two: {type: remap, inputs: [one]}}", "", False),
        ("else", "{}", "", False),
    ],
)
def test_vector(feeds: str, transforms: str, sinks: str, filtered: bool) -> None:
    found = of_yaml(VECTOR % (feeds, transforms))
    assert found == {"reads": [["/var/log/pods/**", sinks]], "excludes": [], "filtered": filtered}


@pytest.mark.parametrize(
    ("stages", "filtered"),
    [("[{cri: {}}]", False), ("[{drop: {source: x}}]", True), ("[{match: {selector: x}}]", True)],
)
def test_promtail(stages: str, filtered: bool) -> None:
    text = f"clients: [{{url: 'http://u:hunter2@loki'}}]\nscrape_configs:\n- kubernetes_sd_configs: [{{role: pod}}]\n  pipeline_stages: {stages}\n"
    found = of_yaml(text)
    assert found == {"reads": [["/var/log/pods/**", "loki"]], "excludes": [], "filtered": filtered}


@pytest.mark.parametrize(
    ("pattern", "path", "covers"),
    [
        (CONTAINERS, "/var/log/containers/a_ehr_b-0.log", True),
        (CONTAINERS, "/var/log/containers/x/a.log", False),
        ("/var/log/pods/**", "/var/log/pods/ehr_a_0/b/0.log", True),
        ("/var/log/pods/*/*/*.log", "/var/log/pods/ehr_a_0/b/0.log", True),
        ("/var/log/pods/ehr_*/*/*.log", "/var/log/pods/other_a_0/b/0.log", False),
        ("/var/log/a?.log", "/var/log/ab.log", True),
        ("/var/log/a?.log", "/var/log/a/.log", False),
        ("/var/log/a.log", "/var/log/aXlog", False),
    ],
)
def test_patterns_of_files(pattern: str, path: str, covers: bool) -> None:
    assert glob_covers(pattern, path) is covers


@given(
    st.dictionaries(
        st.sampled_from(["Name", "Path", "Exclude_Path", "HTTP_Passwd", "Host", "Match"]), st.text(max_size=30)
    )
)
def test_no_text_of_a_configuration_passes_but_paths_and_known_words(settings: dict[str, str]) -> None:
    lines = "".join(f"    {key} {value}\n" for key, value in settings.items())
    found = classic(f"[INPUT]\n    Name tail\n{lines}[OUTPUT]\n{lines}")
    for path, sinks in (found or {"reads": []})["reads"]:
        assert path.startswith("/var/log/")
        assert set(sinks.split()) <= LOCAL | REMOTE | {"other"}
