"""Evidence of earlier runs: whether it is as it was written, and what the cluster was like then."""

from hipaa_kit.tables.declaration import Table, count, flag, text

FILE_STATES = ("altered", "missing", "added", "link", "unreadable")

VERIFIED_BUNDLES = Table(
    "verified_bundles",
    "one time at which the evidence bundle of an earlier run was held against its own manifests",
    ("bundle", "verified_at"),
    (
        text("bundle", "the run that it is of: the beginning of the digest of all that the results depend on"),
        text("verified_at", "when it was verified, UTC"),
        text("cluster", "cluster that it is about, or none"),
        flag("intact", "every file is there and as its manifests say, and no other is"),
        count("files", "files that its manifests name"),
        count("problems", "files that are not as they say"),
        text("recorded_digest", "evidence digest that it names itself, or none"),
        text("found_digest", "evidence digest of what was found"),
    ),
)

VERIFIED_FILES = Table(
    "verified_files",
    "one file of an earlier bundle that is not as its manifests say",
    ("bundle", "verified_at", "file"),
    (
        text("bundle", "the run that the bundle is of"),
        text("verified_at", "when it was verified, UTC"),
        text("file", "path in the bundle"),
        text("state", "what is wrong with it", FILE_STATES),
    ),
)

EVIDENCE_REGISTER = Table(
    "evidence_register",
    "one evidence digest that was written down when its bundle was made, elsewhere than in the bundle",
    ("digest",),
    (
        text("digest", "evidence digest"),
        text("bundle", "the run that the bundle is of, or none"),
        text("recorded_on", "day on which it was written down"),
        text("kept_in", "where the register is kept, such as a ticket system or a notary"),
    ),
)

ASPECTS = ("role", "binding", "isolation", "network_policy", "webhook", "pod_security", "image")
WEAKENS = ("added", "removed", "either")

_STATE = (
    text("aspect", "what it is part of", ASPECTS),
    text("object", "`Kind/namespace/name` that it is about; `*` where something of the aspect was not seen in full"),
    text("fact", "what is so, in words or as a list"),
    text("weakens", "which change of it takes protection away: that it comes, that it goes, or either may", WEAKENS),
    text("cluster", "uid of the cluster, or its name"),
    text("taken_at", "when it was so, UTC"),
)

SECURITY_STATE = Table(
    "security_state",
    "one fact about what protects the cluster, at the moment of the snapshot: kept to be compared with later ones",
    ("aspect", "object", "fact"),
    _STATE,
)

EARLIER_STATE = Table(
    "earlier_state",
    "one fact about what protected the cluster at an earlier moment, from table `security_state` of an earlier bundle",
    ("taken_at", "aspect", "object", "fact"),
    _STATE,
)
