"""What the README shows that was made by a program: ``python -m docs.readme`` makes it again.

Pictures come from Doodle World; tables from the records of runs (``sbirkit/data/doodleworld/measured.json``
``benchmarks/results/`` and ``results/``). A test compares, so no number can be edited by hand.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from sbirkit.claims import elsewhere
from sbirkit.claims.judging import Outcome, judge
from sbirkit.claims.lessons import fared
from sbirkit.claims.page import effect, records_folder
from sbirkit.claims.reading import read_ledger
from sbirkit.claims.records import Records
from sbirkit.data.doodleworld import World
from sbirkit.data.doodleworld.world import measured
from sbirkit.gpu import page as gpupage
from sbirkit.runs import standings
from sbirkit.runs.rows import ROWS

HERE = Path(__file__).resolve().parent
README = HERE.parent / "README.md"
RESULTS = HERE.parent / "benchmarks" / "results"
SHOWN = (
    (
        "cat",
        "bicycle",
        "castle",
        "octopus",
        "teapot",
        "sailboat",
        "giraffe",
        "umbrella",
        "tractor",
        "pineapple",
    ),
    ("owl", "helicopter", "snail", "windmill", "elephant", "rocket", "chair", "butterfly", "train", "cactus"),
)


def doodle_world(side: int = 112, individual: int = 3) -> Image.Image:
    """Two rows of objects, each seen as a photo and, below it, drawn by somebody."""
    world = World(sizes=(side,))
    rows = []
    for labels in SHOWN:
        rows.append(np.concatenate([world.photo(c, individual, side) for c in labels], axis=1))
        drawn = np.concatenate([world.sketch(c, individual, 0, side) for c in labels], axis=1)
        rows.append(np.repeat(drawn[..., None], 3, axis=2))
    return Image.fromarray(np.concatenate(rows))


def hardness() -> str:
    """The ladder from chance to a small trained network, as the card of Doodle World has it."""
    record = measured()
    names = {"chance": "chance", "raw pixels": "raw pixels, 16 x 16", "hog": "HOG-like descriptor"}
    convnet = record["baselines"]["unseen-16"]["convnet"]
    names["convnet"] = (
        f"small convnet from scratch, {convnet['steps']:,} steps, mean of {len(convnet['runs'])} seeds"
    )
    lines = [
        "| mAP@all on the unseen classes | unseen-16 (random) | unseen-families |",
        "| --- | --: | --: |",
    ]
    for key, name in names.items():
        found = [record["baselines"][split][key] for split in ("unseen-16", "unseen-families")]
        cells = []
        for one in found:
            runs = [run["mAP@all"] for run in one.get("runs", [])]
            cells.append(f"{one['mAP@all']:.3f}" + (f" ({min(runs):.3f} to {max(runs):.3f})" if runs else ""))
        lines.append(f"| {name} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)


def cost() -> str:
    """How much longer than sbirkit others take, from one run side by side."""
    shapes = json.loads((RESULTS / "retrieval.json").read_text(encoding="utf-8"))
    lines = ["| what | gives | seconds | x ours |", "| --- | --- | --: | --: |"]
    for shape in (s for s in shapes if s["shape"] != "S"):
        size = f"{shape['queries']:,} x {shape['gallery']:,}"
        unit = (
            f"{shape['dimensions']}-bit codes"
            if shape["shape"] == "codes"
            else f"{shape['dimensions']} dimensions"
        )
        lines.append(f"| **{size}, {unit}** | | | |")
        for row in shape["rows"]:
            lines.append(f"| {row['name']} | {row['gives']} | {row['seconds']:.3g} | {row['ratio']:.1f} |")
    return "\n".join(
        [
            *lines,
            "",
            f"Measured on: {shapes[0]['machine']}. Slow loops were timed on some queries and scaled.",
        ]
    )


def answers() -> str:
    """How long the explorers take to answer."""
    found = json.loads((RESULTS / "explore.json").read_text(encoding="utf-8"))
    lines = ["| milliseconds | median | 95 % below | longest |", "| --- | --: | --: | --: |"]
    lines += [f"| {what} | " + " | ".join(map(str, taken)) + " |" for what, taken in found["ms"].items()]
    return "\n".join([*lines, "", f"Measured on: {found['machine']}."])


def standing() -> str:
    """Every method that was measured, from the records in ``results/``; then on a fresh world.

    There without seconds: those runs shared the machine with others.
    """
    columns = [c for c in standings.COLUMNS if c[0] not in ("strict mAP@200", "P@100")]
    results = HERE.parent / "results"
    found = list(standings.collect(results).items())
    found += [
        (f"{split}, on a fresh world", runs) for split, runs in standings.collect(results / "world1").items()
    ]
    lines: list[str] = []
    for title, runs in found:
        head, *rows = (row[:-1] if "fresh" in title else row for row in standings.table(runs, columns))
        lines += [
            "",
            f"**{title}**",
            "",
            "| " + " | ".join(head) + " |",
            "| --- |" + " --: |" * (len(head) - 1),
        ]
        lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines[1:])


def ledger() -> str:
    """How many claims of each paper hold, as the records in ``results/claims`` say, and again elsewhere."""
    places = {"": ("laptop", 0), "on a fresh world": ("laptop", 1), "with 8 times the pictures": ("gpu", 0)}
    folder, claims = HERE.parent / "results" / "claims", read_ledger()
    judged = {where: judge(claims, Records(records_folder(folder, *kind))) for where, kind in places.items()}
    home, verdicts = judged.pop(""), ("holds", "does not hold", "undecided")
    count = Counter((one.claim.paper, one.verdict) for one in home)
    pairs = {
        where: [(one, other) for one, other in zip(home, there, strict=True) if other.test.n]
        for where, there in judged.items()
    }
    again = {
        where: Counter((one.claim.paper, fared(one, other)) for one, other in both)
        for where, both in pairs.items()
    }
    head = ["", "claims", *verdicts, *(f"{how} {where}" for where in again for how in ("the same", "turned"))]
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " --: |" * (len(head) - 1)]
    for paper in dict.fromkeys(one.claim.paper for one in home):
        cells = [count[paper, verdict] for verdict in verdicts]
        cells = [sum(cells), *cells]
        cells += [found[paper, how] for found in again.values() for how in ("the same", "turned")]
        lines.append(f"| {paper} | " + " | ".join(map(str, cells)) + " |")
    for where, both in pairs.items():
        same = sum(n for (_, how), n in again[where].items() if how == "the same")
        inside = sum(one.test.low <= other.test.effect <= one.test.high for one, other in both)
        apart = np.median([abs(one.test.effect - other.test.effect) for one, other in both])
        lines += ["", f"{where[0].upper()}{where[1:]} {same} of {len(both)} verdicts are the same, {inside} "
                  "effects lie within the interval that they have here, and half of them differ by less than "
                  f"{apart:.3f}."]  # fmt: skip
        lines += newly(both)
    return "\n".join(lines)


def newly(pairs: Sequence[tuple[Outcome, Outcome]]) -> list[str]:
    """The claims that hold elsewhere and did not here, one to a line."""
    found = [
        f"- {other.claim.paper}: {other.claim.sentence} {effect(one)} → {effect(other)}"
        for one, other in pairs
        if other.verdict == "holds" != one.verdict
    ]
    return ["", f"{len(found)} hold there that did not here:", "", *found] if found else []


def carried() -> str:
    """The central claims on real pictures beside Doodle World's, from ``results/real-mini-arms``."""
    results = HERE.parent / "results"
    home = records_folder(results / "claims", "laptop")
    return elsewhere.section(read_ledger(), home, results / "real-mini-arms" / "runs.csv").strip()


def real() -> str:
    """Every method on real pictures: the splits one by one and pooled, from ``results/real-mini``."""
    with (HERE.parent / "results" / "real-mini" / "table.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if not row["split"].startswith("Transfer")]
    shown = ("ZS mAP@all", "seen mAP@all", "64-bit mAP@all")
    splits = list(dict.fromkeys(row["split"] for row in rows))
    columns = [(split, shown[0]) for split in splits] + [(splits[-1], metric) for metric in shown[1:]]
    value = {(row["method"], row["split"], row["metric"]): row for row in rows}
    head = [f"{metric}, {split}" for split, metric in columns]
    lines = ["| method | " + " | ".join(head) + " |", "| --- |" + " --: |" * len(head)]
    for method in dict.fromkeys(row["method"] for row in rows):
        cells = []
        for split, metric in columns:
            one = value.get((method, split, metric))
            half = f" ± {float(one['half_interval']):.3f}" if one and one["half_interval"] else ""
            cells.append(f"{float(one['mean']):.3f}{half}" if one else "")
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def rows_of(rows: Sequence[Mapping[str, str]]) -> str:
    """A table of dictionaries; all but the first column to the right."""
    head = list(rows[0])
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " --: |" * (len(head) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row.values()) + " |" for row in rows)])


def gpu() -> str:
    """What ``gpu-check`` found on a GPU, from ``results/gpu/check.json``."""
    found = gpupage.record(HERE.parent / "results" / "gpu" / "check.json")
    parts = [gpupage.summary(found), rows_of(gpupage.alike(found)), rows_of(gpupage.speeds(found))]
    return "\n\n".join(parts)


def longer() -> str:
    """The gpu profile's results beside the laptop's, from the records in ``results/``."""
    results = HERE.parent / "results"
    laptop, large = (standings.collect(folder)["unseen-16"] for folder in (results, results / "gpu"))
    rows = []
    for label in (label for label in ROWS if label in large):
        row = {"mAP@all": label}
        for heading, setting in (("unseen", "zs"), ("seen", "seen"), ("GZS harmonic", "gzs-separate")):
            for profile, those in (("laptop", laptop), ("gpu", large)):
                mean, half = standings.interval([run.number(setting)["mAP@all"] for run in those[label]])
                row[f"{heading}, {profile}"] = f"{mean:.3f} ± {half:.3f}"
        rows.append(row)
    return rows_of(rows)


def training() -> str:
    """Pictures a second in training, beside a plain loop's, from ``benchmarks/results/training.json``."""
    record = json.loads((RESULTS / "training.json").read_text(encoding="utf-8"))
    lines = ["| training | pictures a second | x plain loop | a laptop run, s |", "| --- | --: | --: | --: |"]
    lines += [
        f"| {r['name']} | {r['images/s']:,} | {r['x plain loop']:.1f} | {r['a laptop run, s'] or ''} |"
        for r in record["rows"]
    ]
    return "\n".join([*lines, "", f"Measured on: {record['machine']}."])


def filled(text: str) -> str:
    """The README with its tables as the records have them."""
    makers = {
        "hardness": hardness,
        "cost": cost,
        "standings": standing,
        "ledger": ledger,
        "real": real,
        "carried": carried,
        "training": training,
        "answers": answers,
        "gpu": gpu,
        "longer": longer,
    }
    for name, make in makers.items():
        block = re.compile(rf"(<!-- {name}: [^>]*-->\n).*?(<!-- end -->)", re.S)
        if not block.search(text):
            raise ValueError(f"README.md: want a block '<!-- {name}: ... --> ... <!-- end -->'")
        text = block.sub(lambda m, make=make: m[1] + make() + "\n" + m[2], text)
    return text


if __name__ == "__main__":
    doodle_world().save(HERE / "doodle-world.webp", quality=82, method=6)
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
