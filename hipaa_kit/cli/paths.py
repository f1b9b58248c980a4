"""The command that shows how ePHI can be reached, and the fewest things to take away so that it cannot."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from hipaa_kit.cli.terminal import make_verb, print_table, refuse_existing, say, write_file
from hipaa_kit.errors import EXIT_DONE, InputError

if TYPE_CHECKING:
    from hipaa_kit.assess.facade import Assessment

HOPS = ["rank", "hop", "source", "edge", "target", "confidence", "cost"]
GRAPHS = ("graphml", "cypher", "node-link", "png")


def add_paths(verbs: Any) -> None:
    """Add the command `paths`."""
    summary = "show the cheapest paths to ePHI, hop by hop with proof, and the smallest cut that stops them"
    verb = make_verb(verbs, "paths", _run, summary)
    verb.add_argument(
        "snapshot",
        nargs="?",
        default="",
        metavar="SNAPSHOT",
        help="snapshot, dump or manifests, or a folder with scope.yaml and objects/; none takes the clinic",
    )
    ends = "Kind/namespace/name"
    verb.add_argument("--from", dest="source", metavar="SOURCE", help=f"{ends}, internet (default), pod or subject")
    verb.add_argument("--to", dest="target", metavar="TARGET", help=f"{ends} of what holds ePHI; all by default")
    verb.add_argument("-k", type=int, default=3, help="paths for each target (default 3)")
    verb.add_argument(
        "--unknown", action="store_true", help="also by hops of which it is not known whether they are open"
    )
    verb.add_argument("--exposure", action="store_true", help="a row for each thing with ePHI instead")
    verb.add_argument("--cut", action="store_true", help="the fewest things to take away so that the paths stop")
    verb.add_argument("--keep-declared", action="store_true", help="with --cut: leave entries that declared flows need")
    verb.add_argument("--worst", action="store_true", help="with --cut: paths to the most critical ePHI alone")
    verb.add_argument("--scope", help="scope.yaml; the one beside the snapshot by default")
    verb.add_argument("--inputs", metavar="DIR", help="what else is known; the folder inputs beside scope.yaml")
    verb.add_argument("-o", "--out", default="", metavar="FILE", help="write the graph, picture or cut there")
    forms = ("table", "json", "csv", "yaml", *GRAPHS)
    verb.add_argument(
        "-f", "--format", default="table", choices=forms, help="table; yaml is for --cut; png needs --out"
    )


def _run(arguments: argparse.Namespace) -> int:
    from hipaa_kit.assess.opening import assessment

    if arguments.format == "png" and not arguments.out:
        raise InputError("a picture is not for the terminal", "-f png", "name a file with --out")
    tables = arguments.cut or arguments.exposure
    if (arguments.format == "yaml" and not arguments.cut) or (arguments.format in GRAPHS and tables):
        raise InputError(f"{arguments.format} does not fit", "-f", "yaml is for --cut, graphs are for paths")
    if arguments.out:
        refuse_existing(arguments.out)
    run = assessment(arguments.snapshot, arguments.scope, inputs=arguments.inputs)
    if not run.paths.targets:
        say("nothing is known to hold ePHI: declare it in scope.yaml")
    for gap in run.paths.gaps()[:5]:
        say(f"there may be more paths than are shown: {gap}")
    if arguments.cut:
        return _cut(run, arguments)
    if arguments.exposure:
        frame = run.paths.exposure(arguments.unknown)
        print_table(frame, arguments.format, ["object", "criticality", "source", "paths", "cost", "confidence", "path"])
        return EXIT_DONE
    if arguments.format in GRAPHS:
        return _graph(run, arguments)
    hops = run.paths.to_ephi(arguments.source, arguments.target, arguments.k, arguments.unknown)
    if hops.empty:
        _say_what_is_not_known(run, arguments)
    print_table(hops, arguments.format, HOPS)
    return EXIT_DONE


def _say_what_is_not_known(run: Assessment, arguments: argparse.Namespace) -> None:
    """Say that there are paths which may be open, where none is known to be."""
    if not arguments.unknown:
        hops = run.paths.to_ephi(arguments.source, arguments.target, 1, unknown=True)
        if count := hops["rank"].nunique():
            say(f"no path is known to be open; of {count} it is not known: --unknown shows them")


def _cut(run: Assessment, arguments: argparse.Namespace) -> int:
    targets = [arguments.target] if arguments.target else []
    cut = run.smallest_cut(
        arguments.source,
        targets,
        worst=arguments.worst,
        keep_declared=arguments.keep_declared,
        unknown=arguments.unknown,
        k=arguments.k,
    )
    if cut.paths.empty:
        _say_what_is_not_known(run, arguments)
    left = int((~cut.paths["stopped"]).sum())
    least = "there are no fewer" if cut.exact else f"there are at least {cut.bound}"
    say(f"{len(cut.things)} things to take away stop {len(cut.paths) - left} of {len(cut.paths)} paths; {least}")
    if left:
        say(f"{left} paths are left: nothing on them that the kit knows to take away")
    if not cut.complete:
        say("paths were still coming up when the search ended: this is no whole cut")
    if arguments.format == "yaml":
        _write(cut.to_yaml(), arguments.out)
    else:
        print_table(cut.things, arguments.format, ["kind", "object", "taken", "change", "paths"])
        if arguments.format == "table" and len(cut.uses):
            print("\nwhat would no longer work:")
            print_table(cut.uses, "table", ["kind", "object", "taken", "use", "what"])
    return EXIT_DONE


def _graph(run: Assessment, arguments: argparse.Namespace) -> int:
    asked = (arguments.source, arguments.target, arguments.k)
    if arguments.format == "png":
        from hipaa_kit.views.path_plots import path_picture
        from hipaa_kit.views.show import figure_png

        hops = run.paths.to_ephi(*asked, arguments.unknown)
        picture = path_picture(hops, "The cheapest paths to ePHI")
        write_file(arguments.out, figure_png(*picture))
        return EXIT_DONE
    from hipaa_kit.views.path_exports import cypher, graphml, node_link

    made = {"graphml": graphml, "cypher": cypher, "node-link": node_link}[arguments.format]
    _write(made(run.paths.to_networkx(*asked, unknown=arguments.unknown)), arguments.out)
    return EXIT_DONE


def _write(text: str, out: str) -> None:
    if out:
        write_file(out, text.encode())
    else:
        print(text, end="")
