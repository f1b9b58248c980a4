"""What `Assessment.paths` answers: the merged graph, and the paths in it to ePHI."""

from hipaa_kit.tables.declaration import Column, Table, count, flag, text
from hipaa_kit.vocabulary import CRITICALITIES

SURENESS = ("certain", "likely", "unknown")
"""How sure a hop is: it follows from the objects; it needs what they do not show; whether it is open is not known."""

PATH_NODES = Table(
    "path_nodes",
    "one thing that can be held or reached on a path",
    ("node",),
    (
        text("node", "`Kind/namespace/name`, where `*` stands for any; `Internet`"),
        text("kind", "what it is: Internet, Pod, PodNetwork (its open ports), ServiceAccount, Secret, Node, …"),
        text("namespace", "its namespace, or none"),
        text("criticality", "how much depends on it, where it is in the ePHI scope", ("", *CRITICALITIES)),
        flag("ephi", "it is in the ePHI scope, or holds a copy of what is"),
        flag("target", "who reaches it has ePHI: where paths to ePHI end"),
        flag("hub", "it stands for many, and is left out where paths are shown"),
    ),
)

HOP = (
    text("source", "what is held before"),
    text("edge", "what leads on: a technique of the catalogue, or how objects hang together"),
    text("target", "what is held or reached then"),
    text("proof", "why, in words: rules, settings, ports"),
    text("objects", "objects on which it rests, `Kind/namespace/name`, joined by spaces"),
    text("precondition", "what it needs besides, or none"),
    text("mitigation", "what in this cluster narrows it, or none"),
    text("confidence", "how sure it is", SURENESS),
)

PATH_EDGES = Table(
    "path_edges",
    "one step from one node to another",
    ("source", "edge", "target", "objects", "proof"),
    (*HOP, Column("cost", "int64", "effort: 0 where nothing has to be done")),
)

PATH_HOPS = Table(
    "path_hops",
    "one hop of one of the cheapest paths from one source to one target",
    ("rank", "hop"),
    (
        Column("rank", "int64", "place of the path among all that are shown, from 1: the cheapest first"),
        Column("hop", "int64", "place of the hop in the path, from 1"),
        text("start", "where the path begins"),
        text("end", "what is reached in the end"),
        text("criticality", "how much depends on that, where it is in the ePHI scope", ("", *CRITICALITIES)),
        *HOP,
        Column("cost", "int64", "effort of the path up to here"),
        Column("path_cost", "int64", "effort of the whole path"),
        text("path_confidence", "how sure its least sure hop is", SURENESS),
    ),
)

PATH_EXPOSURE = Table(
    "path_exposure",
    "one thing with ePHI, and how open it is to one sort of source",
    ("object", "source"),
    (
        text("object", "`Kind/namespace/name` of what holds ePHI"),
        text("criticality", "how much depends on it", ("", *CRITICALITIES)),
        text(
            "source",
            "where paths begin: the internet, any pod outside the ePHI scope, any subject but administrators",
            ("internet", "pod", "subject"),
        ),
        Column("paths", "int64", "paths that share no step (independent paths), as many as are counted at most"),
        flag("more", "there may be more than are counted"),
        count("cost", "effort of the cheapest path; null where there is none"),
        count("hops", "hops of the cheapest path; null where there is none"),
        text("confidence", "how sure the least sure hop of the cheapest path is; none without a path", ("", *SURENESS)),
        text("start", "where the cheapest path begins, or none"),
        text("path", "the cheapest path in one line, or none"),
        flag("complete", "everything that could show another path was read"),
    ),
)

PATH_REACH = Table(
    "path_reach",
    "one thing that whoever holds the source holds or reaches in the end",
    ("source", "target"),
    (
        text("source", "what is held at first"),
        text("target", "what is reached, `Kind/namespace/name`"),
        text("kind", "its kind"),
        text("criticality", "how much depends on it, where it is in the ePHI scope", ("", *CRITICALITIES)),
        flag("ephi", "who reaches it has ePHI"),
        Column("cost", "int64", "effort of the cheapest path"),
        Column("hops", "int64", "hops of the cheapest path"),
        text("confidence", "how sure its least sure hop is", SURENESS),
        text("path", "the cheapest path in one line"),
    ),
)

TOUCHES = ("read", "change", "destroy", "copy")

PATH_TOUCHES = Table(
    "path_touches",
    "one thing with ePHI and one subject, or pod, that can do something to it without breaking into anything",
    ("object", "touch", "who"),
    (
        text("object", "`Kind/namespace/name` of what holds ePHI"),
        text("criticality", "how much depends on it", ("", *CRITICALITIES)),
        text("touch", "what can be done to it", TOUCHES),
        text("who", "subject or pod, `Kind/namespace/name`"),
        text("how", "by what, in one line"),
        text("objects", "objects on which it rests, joined by spaces"),
        text("confidence", "how sure it is", SURENESS),
    ),
)
