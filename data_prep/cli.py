"""``python -m data_prep NAME``: one command for each data set, and ``verify``."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

from sbirkit import paths
from sbirkit.data.catalogue import AGAIN, verify

SETS = ("doodleworld", "tuberlin-caltech", "folder", "sketchy", "tuberlin", "quickdraw")
WELCOME = """Prepare a data set: raw files in, a catalogue out, ready for sbirkit.data.load(NAME).

{sets}

`python -m data_prep NAME --help` says what you need, what it costs and under which terms.
`python -m data_prep verify FOLDER` reads a prepared catalogue again and lists every problem."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 if all went well, 1 with one clear sentence if not, 130 after Ctrl-C."""
    argv = sys.argv[1:] if argv is None else list(argv)
    if not argv or argv[0] in ("-h", "--help", "list"):
        print(WELCOME.format(sets="\n".join(f"  {name:18}{_module(name).SUMMARY}" for name in SETS)))
        return 0
    if argv[0] == "verify":
        return _verify(argv[1:])
    if argv[0] not in SETS:
        print(f"no data set {argv[0]!r}; there are {', '.join(SETS)}, and verify", file=sys.stderr)
        return 2
    args = _parser(argv[0], _module(argv[0])).parse_args(argv[1:])
    args.name, args.size, args.files = argv[0], tuple(args.size), []
    try:
        if args.name != "doodleworld":
            args.out = args.out or paths.data() / args.name
            if args.out.exists() and not args.overwrite:
                raise ValueError(f"{args.out} exists: choose another --out, or --overwrite to replace it")
        _module(args.name).prepare(args)
    except KeyboardInterrupt:
        print("\nStopped. What is done is kept: the same command goes on from there.", file=sys.stderr)
        return 130
    except (ValueError, RuntimeError, OSError) as error:
        print(f"{args.name}: {error}", file=sys.stderr)
        return 1
    return 0


def _module(name: str) -> ModuleType:
    return import_module(f"{__package__}.{name.replace('-', '_')}")


def _parser(name: str, module: ModuleType) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m data_prep {name}", description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    out = parser.add_argument_group("where and how")
    by_knobs = "-v1-s0, further by its knobs" if name == "doodleworld" else ""
    out.add_argument("--out", type=Path, help=f"folder to make ({paths.data() / name}{by_knobs})")
    out.add_argument("--size", type=int, nargs="+", default=[64], help="sides in pixels, one or several (64)")
    out.add_argument("--workers", type=int, help="processes (all cores)")
    out.add_argument("--quiet", action="store_true", help="say nothing but errors")
    if name != "doodleworld":
        out.add_argument("--overwrite", action="store_true", help="replace --out, once the new one is whole")
        parser.add_argument(
            "--from", dest="sources", type=Path, action="append", default=[], metavar="PATH",
            help="a folder, zip or tar that you have already; may be given several times",
        )  # fmt: skip
        out.add_argument(
            "--downloads", type=Path, default=paths.home() / "downloads",
            help="keeps downloaded archives and expanded tars; may be deleted afterwards (%(default)s)",
        )  # fmt: skip
    module.add_options(parser)
    return parser


def _verify(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m data_prep verify", description="Read every byte; list every problem; exit 1 if any."
    )
    parser.add_argument("folder", type=Path, nargs="+")
    bad = 0
    for folder in parser.parse_args(argv).folder:
        problems = verify(folder)
        bad += bool(problems)
        print("\n".join(problems) or f"ok: {folder}", file=sys.stderr if problems else sys.stdout)
    if bad:
        print(AGAIN, file=sys.stderr)
    return int(bad > 0)
