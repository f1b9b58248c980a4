"""Vulnerabilities: images that were scanned, what was found in them, and until when software gets fixes."""

from dataclasses import replace

from hipaa_kit.kube.scanners import LOOKS_AT
from hipaa_kit.tables.declaration import Table, amount, count, flag, maybe, text
from hipaa_kit.vocabulary import SEVERITIES

EXPOSED_TO = ("internet", "restricted", "private", "none", "unknown")
TOLD = ("report", "os_family", "os_version", "os_ended", "format", "found", "source", "position")
"""What a scan tells of an image, beside which image it is."""

PURPOSES = ("vulnerabilities", "secrets", "packages")
MATCHED_BY = ("digest", "name")

VULNERABILITY_SCANS = Table(
    "vulnerability_scans",
    "one look of one scanner for vulnerabilities in one image",
    ("source", "position"),
    (
        text("purpose", "what was looked for", PURPOSES),
        text("tool", "scanner"),
        text("tool_version", "its version, or none"),
        text("scanned_at", "when it looked, UTC, or none"),
        text("report", "report in the cluster, `Kind/namespace/name`, or none"),
        text("object", "object whose image it was, `Kind/namespace/name`, or none"),
        text("container", "container whose image it was, or none"),
        text("repository", "image without tag and digest, with its registry, or none"),
        text("tag", "tag, or none"),
        text("digest", "digest of the image in its registry, or none"),
        text("image_id", "digest of its configuration, as a container runtime may report it, or none"),
        text("os_family", "family of its operating system, or none"),
        text("os_version", "version of that, or none"),
        maybe("os_ended", "the scanner says that this version gets no fixes any more; null where it does not tell"),
        text("format", "form of a bill of materials, or none"),
        count("found", "what was found: vulnerabilities, secrets or packages; null where that is not told"),
        text("source", "report: request or file"),
        text("position", "JSON pointer or line in it"),
    ),
)

SECRET_SCANS = replace(VULNERABILITY_SCANS, name="secret_scans", row="one look of one scanner for secrets in one image")

BILLS_OF_MATERIALS = replace(VULNERABILITY_SCANS, name="bills_of_materials", row="one bill of materials of one image")

REPORTED_SCANS = replace(
    VULNERABILITY_SCANS,
    name="reported_scans",
    row="one look of one scanner at one image, by a report that was given as a file",
)

EPHI_IMAGES = Table(
    "ephi_images",
    "one image that one container of one ePHI workload runs, or is to run",
    ("workload", "container", "image", "digest"),
    (
        text("workload", "`Kind/namespace/name`"),
        text("namespace", "its namespace"),
        text("container", "name of the container"),
        text("image", "image as written"),
        text("repository", "image without tag and digest, with its registry"),
        text("tag", "tag; latest where neither tag nor digest is written"),
        text("digest", "digest, as written or as run, or none"),
        count("pods", "pods in which it runs"),
        text("registry_scanner", "scanner that its registry offers, or none"),
    ),
)

EPHI_IMAGE_SCANS = Table(
    "ephi_image_scans",
    "one scan of one image of an ePHI workload",
    ("workload", "container", "image", "digest", "source", "position"),
    (
        *EPHI_IMAGES.columns[:6],
        text("digest", "digest, as written or as run, or none"),
        text("matched_by", "what shows that it is a scan of this image", MATCHED_BY),
        text("tool", "scanner"),
        text("scanned_at", "when it looked, UTC, or none"),
        flag("newest", "no later scan of the same scanner is known, and none that is nearer to what runs"),
        *(column for column in VULNERABILITY_SCANS.columns if column.name in TOLD),
    ),
)

EPHI_SECRET_SCANS = replace(
    EPHI_IMAGE_SCANS, name="ephi_secret_scans", row="one scan for secrets of one image of an ePHI workload"
)

EPHI_BILLS_OF_MATERIALS = replace(
    EPHI_IMAGE_SCANS,
    name="ephi_bills_of_materials",
    row="one bill of materials of one image of an ePHI workload",
)

FOUND_VULNERABILITIES = Table(
    "found_vulnerabilities",
    "one vulnerability at one place of a report about an image",
    ("source", "position"),
    (
        text("vulnerability", "CVE or advisory"),
        text("package", "package that has it"),
        text("installed_version", "version found"),
        text("fixed_version", "versions without it, or none"),
        text("severity", "severity that the scanner gives", ("", "unknown", *SEVERITIES)),
        amount("score", "CVSS score"),
        amount("epss", "likelihood of its exploitation within 30 days"),
        maybe("exploited", "the scanner says whether it is known to be exploited"),
        text("published_at", "when it was published, UTC, or none"),
        text("tool", "scanner"),
        text("unit", "place of the image in the report"),
        text("source", "report: request or file"),
        text("position", "JSON pointer or line in it"),
    ),
)

EPHI_VULNERABILITIES = Table(
    "ephi_vulnerabilities",
    "one vulnerability of one package in one image of an ePHI workload, by the newest scans of it",
    ("workload", "container", "image", "digest", "vulnerability", "package", "installed_version"),
    (
        *EPHI_IMAGES.columns[:6],
        text("digest", "digest, as written or as run, or none"),
        text("matched_by", "what shows that the scan is of this image", MATCHED_BY),
        text("vulnerability", "CVE or advisory"),
        text("package", "package that has it"),
        text("installed_version", "version found"),
        text("fixed_version", "versions without it, or none"),
        text("severity", "worst severity that a scanner gives", ("", "unknown", *SEVERITIES)),
        amount("score", "highest CVSS score that a scanner gives"),
        amount("epss", "likelihood of its exploitation within 30 days, as a scanner gives it"),
        maybe("exploited", "it is known to be exploited; null where no scanner and no list tells"),
        text("published_at", "when it was published, or none"),
        text("seen_first", "first moment at which a scan or a ticket shows it, or none"),
        text("tickets", "tickets about it, joined by spaces"),
        text("tools", "scanners that found it, joined by spaces"),
    ),
)

VULNERABILITY_PRIORITIES = Table(
    "vulnerability_priorities",
    "one vulnerability of one package in images of ePHI workloads",
    ("vulnerability", "package", "installed_version"),
    (
        count("rank", "position in the order in which to mend, from 1"),
        text("vulnerability", "CVE or advisory"),
        text("package", "package that has it"),
        text("installed_version", "version found"),
        text("fixed_version", "versions without it, or none"),
        text("severity", "worst severity that a scanner gives", ("", "unknown", *SEVERITIES)),
        amount("score", "highest CVSS score that a scanner gives"),
        amount("epss", "likelihood of its exploitation within 30 days, as a scanner gives it"),
        maybe("exploited", "it is known to be exploited; null where no scanner and no list tells"),
        text("exposure", "who can come in from outside to the most exposed of its workloads", EXPOSED_TO),
        text("workloads", "workloads that have it, joined by spaces"),
    ),
)

KNOWN_EXPLOITED = Table(
    "known_exploited",
    "one vulnerability on a list of those that are known to be exploited",
    ("vulnerability",),
    (
        text("vulnerability", "CVE"),
        text("added_on", "day on which it was put on the list, or none"),
        text("due_on", "day by which the list asks to mend it, or none"),
        text("list_on", "day of the list, or none"),
    ),
)

LIFECYCLES = Table(
    "lifecycles",
    "one line of releases of one product, as the site looked it up",
    ("product", "cycle"),
    (
        text("product", "product, as endoflife.date names it"),
        text("cycle", "line of releases, such as 1.35, or * for all"),
        text("eol_on", "last day of fixes; none where no end is announced"),
        text("checked_on", "day on which that was looked up"),
        text("source", "where"),
    ),
)

SOFTWARE_LIFECYCLES = replace(
    LIFECYCLES,
    name="software_lifecycles",
    row="one line of releases of one product: as it came with the kit, or as the site looked it up later",
)

NODE_SOFTWARE = Table(
    "node_software",
    "one system of one node: its kubelet, operating system or container runtime",
    ("object", "part"),
    (
        text("object", "`Node//name`, `Cluster//version`, or the workload, `Kind/namespace/name`"),
        text("part", "kubelet, operating system, container runtime, API server, or the container with its image"),
        text("product", "product, as endoflife.date names it, or none"),
        text("version", "version; none where it is not told"),
        text("reported", "what the cluster reports, or the image as written"),
        text("provider", "who maintains it, where that is not the project itself"),
        text("cycle", "line of releases of the lifecycle table that it belongs to, or none"),
        text("eol_on", "last day of fixes of that, or none"),
        text("checked_on", "day on which that was looked up, or none"),
        text("lifecycle_source", "where, or none"),
        text("skew", "what is wrong with its distance from the API server, or none"),
        flag("skew_known", "that distance is known, or does not matter"),
    ),
)

CLUSTER_SOFTWARE = replace(
    NODE_SOFTWARE,
    name="cluster_software",
    row="the version of the API server, or one container of a workload that holds a known add-on",
)

SCANNING_TOOLS = Table(
    "scanning_tools",
    "one workload that runs a scanner",
    ("workload", "tool", "looks_at"),
    (
        text("workload", "`Kind/namespace/name`"),
        text("tool", "scanner"),
        text("looks_at", "what it looks at", LOOKS_AT),
        count("pods", "its pods in the snapshot"),
    ),
)

VULNERABILITY_GATES = Table(
    "vulnerability_gates",
    "one admission policy that speaks of vulnerabilities of images",
    ("policy",),
    (
        text("policy", "`Kind/namespace/name`"),
        text("engine", "engine that judges"),
        flag("refuses", "by its own words, images that fall short are refused"),
        flag("everywhere", "it is for every image of every pod: nothing in it limits it to some"),
    ),
)
