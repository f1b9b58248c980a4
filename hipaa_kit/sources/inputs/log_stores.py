"""Stores of logs as their provider describes them: how long they keep what they hold, and whether it is locked.

Sources: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogGroup.html (without
`retentionInDays` nothing is removed), https://cloud.google.com/logging/docs/reference/v2/rest/v2/projects.locations.buckets
(`_Required` holds admin activity, `_Default` what is routed nowhere else),
https://learn.microsoft.com/en-us/rest/api/loganalytics/workspaces/get.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hipaa_kit.errors import InputError
from hipaa_kit.sources.inputs.declaration import Form, Reading, Row, items
from hipaa_kit.sources.inputs.values import get, last_part, text, truth, whole
from hipaa_kit.tables.log_collection import LOG_STORES

_EKS: Final = re.compile(r"/aws/eks/[^/]+/cluster")
_INSIGHTS: Final = re.compile(r"/aws/containerinsights/[^/]+/application")
_GCP_BUCKET: Final = re.compile(r"projects/[^/]+/locations/[^/]+/buckets/[^/]+")
_WORKSPACE: Final = "microsoft.operationalinsights/workspaces"


def is_log_groups(document: Any) -> bool:
    """Tell whether a document is what `aws logs describe-log-groups` answers."""
    return isinstance(get(document, "logGroups"), list)


def read_log_groups(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield groups of CloudWatch, which the account's administrators can empty at any time."""
    for each in items(document["logGroups"]):
        name = text(each, "logGroupName")
        if not name:
            raise InputError("has a group without logGroupName", "", "give the whole answer of the command")
        days = whole(each, "retentionInDays")
        holds = "audit" if _EKS.fullmatch(name) else "containers" if _INSIGHTS.fullmatch(name) else "other"
        values = {"provider": "aws", "name": name, "holds": holds, "retention_days": days, "locked": False}
        yield Row(LOG_STORES, {**values, "forever": "retentionInDays" not in each})


def is_log_bucket(document: Any) -> bool:
    """Tell whether a document is one bucket of what `gcloud logging buckets list` answers."""
    named = isinstance(document, Mapping) and _GCP_BUCKET.fullmatch(text(document, "name"))
    return bool(named) and whole(document, "retentionDays") is not None


def read_log_bucket(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield a bucket of Cloud Logging; that of required logs is locked by Google."""
    name = last_part(text(document, "name"))
    yield Row(
        LOG_STORES,
        {
            "provider": "gcp",
            "name": text(document, "name"),
            "holds": {"_Required": "audit", "_Default": "both"}.get(name, "unknown"),
            "retention_days": whole(document, "retentionDays"),
            "locked": True if name == "_Required" else bool(truth(document, "locked")),
        },
    )


def is_workspace(document: Any) -> bool:
    """Tell whether a document is what `az monitor log-analytics workspace show` answers."""
    return text(document, "type").lower() == _WORKSPACE


def read_workspace(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield a workspace of Log Analytics; which categories of logs go there, its diagnostic settings say."""
    name, days = text(document, "name"), whole(document, "retentionInDays")
    if not name:
        raise InputError("has no name", "", "give the whole answer of the command")
    yield Row(LOG_STORES, {"provider": "azure", "name": name, "holds": "unknown", "retention_days": days})


FORMS: Final = (
    Form("aws logs describe-log-groups", is_log_groups, read_log_groups),
    Form("gcloud logging buckets list", is_log_bucket, read_log_bucket),
    Form("az monitor log-analytics workspace show", is_workspace, read_workspace),
)
