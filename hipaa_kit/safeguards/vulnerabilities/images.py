"""Images of ePHI workloads: scanned, lately, on a system that gets fixes, without secrets, taken apart."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.ages import days_since, whole_days
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews
from hipaa_kit.safeguards.vulnerabilities.common import (
    by_name_alone,
    looked_at_packages,
    scanned_later,
    unscanned,
    with_best_scan,
)


@check("HK-VUL-01")
def images_scanned(
    ephi_images: pd.DataFrame,
    ephi_image_scans: pd.DataFrame,
    vulnerability_scans: pd.DataFrame,
    scanning_tools: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every image of an ePHI workload by whether a scanner has looked at what runs.

    Parameters
    ----------
    ephi_images, ephi_image_scans, vulnerability_scans, scanning_tools : tables of those names

    Returns
    -------
    table `judgements`, one row per image of a container

    Notes
    -----
    A scanner or a registry that is there shows that images may be scanned, and nothing of any image. Trivy Operator
    names an image that a pod names by tag by the digest of its configuration, which nodes do not report.
    Source: https://aquasecurity.github.io/trivy-operator/latest/docs/crds/vulnerability-report/
    """
    examined = with_best_scan(ephi_images, ephi_image_scans)
    here = sorted(scanning_tools.loc[scanning_tools["looks_at"] == "images", "tool"].unique())
    offered = examined["registry_scanner"].mask(examined["registry_scanner"] == "", ", ".join(here))
    examined = examined.assign(hint=", ".join(here) if here else offered)
    missed = examined["matched_by"] == ""
    nothing = missed & vulnerability_scans.empty
    return judge(
        examined,
        not_assessed(
            nothing & (examined["hint"] == ""),
            "no report of a scan of images was given, nor is one in the cluster",
            code="input_missing",
        ),
        reviews(
            nothing & (examined["hint"] != ""),
            "does {hint} scan {image}, in container {container}? No report of it was given",
            observed="{hint}",
            rests_on=["vulnerability_scans"],
        ),
        fails(
            missed & ~nothing,
            "no report tells of a scan of {image}, which container {container} runs",
            observed="none",
            expected="a scan of {runs}",
            rests_on=["vulnerability_scans"],
        ),
        looked_at_packages(examined),
        by_name_alone(examined),
        member="member",
        evidence="report",
        passes="{tool} has scanned what container {container} runs",
    )


@check("HK-VUL-02")
def scans_recent(
    ephi_images: pd.DataFrame, ephi_image_scans: pd.DataFrame, *, scan_age_days: int = 7, as_of: str
) -> pd.DataFrame:
    """Judge every image of an ePHI workload by the age of the newest scan of it.

    Parameters
    ----------
    ephi_images, ephi_image_scans : tables of those names
    scan_age_days
        An older scan fails. Site policy; the proposed rule of 2025 would ask for one at least every 6 months.
    as_of
        Moment to judge for.

    Returns
    -------
    table `judgements`, one row per image of a container
    """
    examined = with_best_scan(ephi_images, ephi_image_scans)
    age = days_since(examined["scanned_at"], as_of)
    examined = examined.assign(age=whole_days(age))
    scanned = examined["matched_by"] != ""
    return judge(
        examined,
        unscanned(examined),
        not_assessed(scanned & age.isna(), "{tool} does not tell when it scanned {image}", code="no_record"),
        scanned_later(examined, age, scan_age_days),
        fails(
            scanned & (age > scan_age_days),
            "{image}, in container {container}, was last scanned more than {age:day} ago",
            observed="{scanned_at}",
            expected=f"at most {scan_age_days} days",
            rests_on=["ephi_image_scans"],
        ),
        looked_at_packages(examined),
        by_name_alone(examined),
        member="member",
        evidence="report",
        passes=f"what container {{container}} runs was scanned within {scan_age_days} days",
    )


@check("HK-VUL-04")
def base_images_supported(
    ephi_images: pd.DataFrame, ephi_image_scans: pd.DataFrame, *, scan_age_days: int = 7, as_of: str
) -> pd.DataFrame:
    """Judge every image of an ePHI workload by whether its operating system still gets fixes.

    Parameters
    ----------
    ephi_images, ephi_image_scans : tables of those names
    scan_age_days
        What an older scan says of support may have changed since.
    as_of
        Moment to judge for.

    Returns
    -------
    table `judgements`, one row per image of a container

    Notes
    -----
    A system that got no fixes at the time of a scan gets none now. That a scanner names no system does not show
    that an image has none.
    Source: https://trivy.dev/latest/docs/coverage/os/
    """
    examined = with_best_scan(ephi_images, ephi_image_scans, "os_ended")
    age = days_since(examined["scanned_at"], as_of)
    system = examined["os_family"] + (" " + examined["os_version"]).where(examined["os_version"] != "", "")
    examined = examined.assign(system=system)
    scanned = examined["matched_by"] != ""
    return judge(
        examined,
        unscanned(examined),
        fails(
            scanned & examined["os_ended"],
            "{image}, in container {container}, stands on {system}, which gets no fixes any more",
            observed="{system}",
            expected="a version that gets fixes",
        ),
        not_assessed(
            scanned & (examined["os_family"] == ""),
            "{tool} names no operating system in {image}, in container {container}",
            code="no_record",
        ),
        not_assessed(
            scanned & examined["os_ended"].isna(),
            "{tool} does not tell whether {system}, in container {container}, gets fixes",
            code="no_record",
        ),
        not_assessed(
            scanned & (age.isna() | (age > scan_age_days)),
            f"what {{tool}} says of {{system}}, in container {{container}}, is more than {scan_age_days} days old",
            code="stale",
        ),
        scanned_later(examined, age, scan_age_days),
        by_name_alone(examined),
        member="member",
        evidence="report",
        passes="container {container} stands on {system}, which gets fixes",
    )


@check("HK-VUL-08")
def images_without_secrets(ephi_images: pd.DataFrame, ephi_secret_scans: pd.DataFrame) -> pd.DataFrame:
    """Judge every image of an ePHI workload by the secrets that a scanner found in it.

    Parameters
    ----------
    ephi_images, ephi_secret_scans : tables of those names

    Returns
    -------
    table `judgements`, one row per image of a container

    Notes
    -----
    What a digest names does not change, so that an old look still holds. Trivy says nothing in its own reports of
    images in which it found none: whether it looked does not show there. No secret is ever read.
    Source: https://aquasecurity.github.io/trivy-operator/latest/docs/crds/exposedsecret-report/
    """
    examined = with_best_scan(ephi_images, ephi_secret_scans, "found")
    scanned = examined["matched_by"] != ""
    return judge(
        examined,
        not_assessed(
            ~scanned, "whether {image}, in container {container}, holds secrets was not looked at", code="input_missing"
        ),
        fails(
            scanned & (examined["found"] > 0),
            "secrets that {tool} found in {image}, which container {container} runs: {found}",
            observed="{found}",
            expected="0",
        ),
        not_assessed(scanned & examined["found"].isna(), "{tool} does not tell what it found", code="no_record"),
        by_name_alone(examined),
        member="member",
        evidence="report",
        passes="{tool} found no secret in what container {container} runs",
    )


@check("HK-VUL-09")
def bills_of_materials_kept(
    ephi_images: pd.DataFrame, ephi_bills_of_materials: pd.DataFrame, bills_of_materials: pd.DataFrame
) -> pd.DataFrame:
    """Judge every image of an ePHI workload by whether there is a bill of what is in it.

    Parameters
    ----------
    ephi_images, ephi_bills_of_materials, bills_of_materials : tables of those names

    Returns
    -------
    table `judgements`, one row per image of a container
    """
    examined = with_best_scan(ephi_images, ephi_bills_of_materials, "found")
    missed = examined["matched_by"] == ""
    return judge(
        examined,
        not_assessed(
            missed & bills_of_materials.empty,
            "no bill of materials was given, nor is one in the cluster",
            code="input_missing",
        ),
        fails(
            missed & (not bills_of_materials.empty),
            "there is no bill of materials of {image}, which container {container} runs",
            observed="none",
            expected="a bill of materials of {runs}",
            rests_on=["bills_of_materials"],
        ),
        reviews(
            ~missed & (examined["found"].fillna(0) == 0),
            "is the bill of materials of {image}, in container {container}, complete? It lists nothing",
        ),
        by_name_alone(examined),
        member="member",
        evidence="report",
        passes="a bill of materials lists what container {container} runs: {found:part}",
    )
