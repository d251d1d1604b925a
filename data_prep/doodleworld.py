"""Doodle World, the embedded data set: drawn on this machine by a program, so there is nothing to download.

The knobs are explained in ``sbirkit.data.doodleworld.World``; as they stand, they give the reference world.
"""

import dataclasses
from argparse import ArgumentParser, Namespace
from typing import Any

from sbirkit.data.catalogue import Catalogue

from .gather import report

SUMMARY = "the embedded world: drawn here, nothing to download (start with this one)"


def add_options(parser: ArgumentParser) -> None:
    from sbirkit.data.doodleworld import KNOBS

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
