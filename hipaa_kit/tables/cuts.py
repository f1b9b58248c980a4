"""What would stop paths to ePHI, and what it would break."""

from hipaa_kit.tables.declaration import Column, Table, flag, text
from hipaa_kit.tables.paths import SURENESS
from hipaa_kit.vocabulary import CRITICALITIES

PATH_CHANGES = Table(
    "path_changes",
    "one path to ePHI that appears or vanishes in a what-if",
    ("change", "start", "end", "path"),
    (
        text(
            "change",
            "`appears`: a hop of it was not there before; `vanishes`: one is there no more",
            ("appears", "vanishes"),
        ),
        text("start", "where the path begins"),
        text("end", "what holds ePHI, where it ends"),
        text("criticality", "how much depends on that", ("", *CRITICALITIES)),
        Column("cost", "int64", "effort of the path"),
        Column("hops", "int64", "hops of the path"),
        text("confidence", "how sure its least sure hop is", SURENESS),
        text("hop", "the first hop that is new, or gone"),
        text("path", "the path in one line"),
    ),
)

CUT_KINDS = ("role binding", "role rule", "exposure", "network", "token", "mount")
TAKEN = text("taken", "the Secret that it takes, of a mount; what a role gives, of a role rule; none of others")

CUT_THINGS = Table(
    "cut_things",
    "one thing to take away, of the fewest that stop all paths asked for",
    ("kind", "object", "taken"),
    (
        text(
            "kind",
            "a role binding; what a role gives by its rules; an entry from outside; connections to a workload that are "
            "neither declared nor seen and expected; the token of a service account in pods that need not have one; a "
            "Secret that pods take",
            CUT_KINDS,
        ),
        text("object", "role binding, role, entry or workload, `Kind/namespace/name`"),
        TAKEN,
        text("change", "what is done, in words"),
        Column("paths", "int64", "paths among those that were looked at that it stops"),
    ),
)

CUT_PATHS = Table(
    "cut_paths",
    "one path that a cut was made for",
    ("path",),
    (
        text("path", "the path in one line"),
        text("start", "where it begins"),
        text("end", "where it ends"),
        text("stopped_by", "things that stop it, `kind object`, joined by semicolons; none where nothing does"),
        flag("stopped", "it is gone where the cut was applied and everything was worked out again"),
    ),
)

CUT_USES = Table(
    "cut_uses",
    "one use that a thing to take away has, as far as the inputs show",
    ("kind", "object", "taken", "use", "what"),
    (
        text("kind", "kind of the thing", CUT_KINDS),
        text("object", "the thing, `Kind/namespace/name`"),
        TAKEN,
        text(
            "use",
            "declared in scope.yaml; seen in a flow log and not declared; used by the audit log; granted, and no log "
            "shows that it is used",
            ("declared", "seen", "used", "granted"),
        ),
        text("what", "what would no longer work"),
    ),
)
