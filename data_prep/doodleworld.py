"""Doodle World, the embedded data set: drawn on this machine by a program, so there is nothing to download.

As the knobs stand they give the reference world: 64 classes, 6,400 objects, 12,800 pictures.
Disk: 100 MiB at 64 pixels, at work twice that. Time: about half a minute on two cores.
"""

import dataclasses
import inspect
from argparse import ArgumentParser, Namespace
from typing import Any

from sbirkit.data.catalogue import Catalogue

from .gather import report

SUMMARY = "the embedded world: drawn here, nothing to download (start with this one)"


def add_options(parser: ArgumentParser) -> None:
    from sbirkit.data.doodleworld import KNOBS, World

    knobs = (inspect.getdoc(World) or "").partition("\n\n")[2]
    parser.description = f"{__doc__}\n{knobs.replace('``', '`').replace('Args:', 'Besides:')}"
    for name, default in _knobs().items():
        said = "{} to {} ".format(*KNOBS[name]) if name in KNOBS else ""
        parser.add_argument(f"--{name}", type=type(default), default=default, help=f"{said}(%(default)s)")


def prepare(args: Namespace) -> Catalogue:
    from sbirkit.data.doodleworld import World

    world = World(**{name: getattr(args, name) for name in _knobs()}, sizes=args.size)
    catalogue = world.prepare(args.out, workers=args.workers, progress=not args.quiet)
    report(args, catalogue)
    return catalogue


def _knobs() -> dict[str, Any]:
    from sbirkit.data.doodleworld import World

    return {f.name: f.default for f in dataclasses.fields(World) if f.name != "sizes"}
