"""Table and report of a comparison, made from its records alone."""

import base64
import csv
import html
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from sbirkit.retrieval.result import markdown
from sbirkit.training import Run
from sbirkit.training.files import read_json, write_json, write_whole

from . import given, report, transfer
from .comparing import stale
from .standings import COLUMNS, ROWS, collect, interval

if TYPE_CHECKING:
    from pathlib import Path

    from sbirkit.data import Benchmark

    from .comparing import Job, Plan

BASELINES = (
    "softmax",
    "triplet",
    "frozen",
    "untrained",
)  # the first that ran is what others are held against
STALE = "stale.json"  # among records: names of those to pass over
SEED = "seed"  # a column that is not shown: which seeds the others are of
SIDE = 72  # pixels of a picture in the report
STYLE = """
.strip { display: flex; gap: .35rem; flex-wrap: wrap; margin: .2rem 0 .6rem }
.strip figure { margin: 0; width: 76px; font-size: .72rem; line-height: 1.15; overflow-wrap: anywhere }
.strip img { width: 72px; height: 72px; object-fit: contain; background: #fff; border: 2px solid var(--line) }
.strip .hit img { border: 3px solid #0072B2 } .strip .miss img { border: 3px dashed #D55E00 }
.plot { max-width: 100%; height: auto }
"""

Values = dict[str, dict[str, list[float]]]  # row -> column -> a value for each seed (or each split)


def said(out: "Path") -> dict[str, Any]:
    """What was kept of the whole in a comparison's folder: its source, notes, which jobs failed and why."""
    path = out / "about.json"
    return read_json(path) if path.is_file() else {}


def about(plan: "Plan", **more: Any) -> None:
    """Keep what the page says of the whole, and what was kept before."""
    plan.out.mkdir(parents=True, exist_ok=True)
    write_json(plan.out / "about.json", said(plan.out) | more)


def found(plan: "Plan") -> list[tuple["Job", dict[str, Any], Run]]:
    """The jobs that are done, each with its details and its record."""
    there = ((job, job.details()) for job in plan.jobs())
    return [(job, details, Run.open(job.record)) for job, details in there if details]


def values(done: Sequence[tuple["Job", dict[str, Any], Run]], known: Iterable[str] = ()) -> Values:
    """What one split's runs came to, by row and column, seeds in order."""
    rows: Values = {}
    known = set(known)
    for job, details, run in done:
        per_class: dict[str, float] = details["per_class"]
        cells = {heading: run.number(setting).get(metric) for heading, setting, metric in COLUMNS}
        if known & per_class.keys():
            for heading, mine in (("ZS, ImageNet's classes", True), ("ZS, other classes", False)):
                some = [v for name, v in per_class.items() if (name in known) == mine]
                cells[heading] = float(np.mean(some)) if some else None
        _note(rows, job.method, cells | {"seconds": run.manifest["seconds"], SEED: job.seed})
        if other := run.number("zs", verb="embed_converted"):
            cells = {h: other.get(m) for h, s, m in COLUMNS if s == "zs"}
            _note(rows, f"{job.method}, converted", cells | {SEED: job.seed})
    return rows


def read(folder: "Path") -> dict[str, Values]:
    """``{split: values}`` of the records in a folder: ``results/``, or ``records/`` of a comparison.

    There those that its last plan would have made otherwise are passed over.
    """
    order, old = list(ROWS), set(read_json(folder / STALE) if (folder / STALE).is_file() else ())
    splits: dict[str, Values] = {}
    for split, by_label in collect(folder).items():
        rows = splits.setdefault(split, {})
        for label in sorted(by_label, key=lambda name: order.index(name) if name in order else len(order)):
            mine = [run for run in by_label[label] if run.path.name not in old]
            for run in sorted(mine, key=lambda run: run.params["train"]["seed"]):
                cells = {heading: run.number(setting).get(metric) for heading, setting, metric in COLUMNS}
                seed = run.params["train"]["seed"]
                _note(rows, label, cells | {"seconds": run.manifest["seconds"], SEED: seed})
    return {split: rows for split, rows in splits.items() if rows}


def agreement(
    one: Mapping[str, Sequence[float]], two: Mapping[str, Sequence[float]], *, n: int = 1000, seed: int = 0
) -> tuple[float, float, float]:
    """Kendall's tau of two orders of the same names, by their means, and its 95 % interval over seeds.

    1: the same order; 0: none in common; -1: reversed. For the interval, each name's seeds are drawn anew.

    >>> agreement({"a": [0.1], "b": [0.2], "c": [0.3]}, {"c": [3.0], "b": [2.0], "a": [1.0]})
    (1.0, 1.0, 1.0)
    """
    names = [name for name in one if name in two]
    if len(names) < 3:
        raise ValueError(f"agreement: want three names that both have, got {', '.join(names) or 'none'}")
    rng, first, second = np.random.default_rng(seed), *np.triu_indices(len(names), 1)

    def signs(side: Mapping[str, Sequence[float]], draws: int) -> np.ndarray:
        """``(1 or draws, pairs)``: which of two names is ahead, by the means of all or of drawn seeds."""
        means = [
            rng.choice(side[k], (draws, len(side[k]))).mean(1) if draws else np.mean([side[k]], axis=1)
            for k in names
        ]
        return np.sign(np.stack(means, 1)[:, first] - np.stack(means, 1)[:, second])

    (tau,), drawn = ((signs(one, draws) * signs(two, draws)).mean(1) for draws in (0, n))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(tau), float(low), float(high)


def _note(rows: Values, row: str, cells: Mapping[str, float | None]) -> None:
    for heading, value in cells.items():
        if value is not None:
            rows.setdefault(row, {}).setdefault(heading, []).append(value)


def pooled(splits: Sequence[Values]) -> Values:
    """A value for each split: the mean of its seeds. Only rows and columns that every split has."""
    shared = [row for row in splits[0] if all(row in one for one in splits)]
    return {
        row: {
            heading: [float(np.mean(one[row][heading])) for one in splits]
            for heading in splits[0][row]
            if all(heading in one[row] for one in splits)
        }
        for row in shared
    }


def headings(rows: Values) -> list[str]:
    """The columns that somebody has a value in, the first of each table first."""
    own = list(dict.fromkeys(h for cells in rows.values() for h in cells))
    return [h for h in own if h not in ("seconds", SEED)] + ["seconds"] * ("seconds" in own)


def against(rows: Values) -> tuple[str, dict[str, list[float]]]:
    """The baseline, and by how much each row is above it in ZS mAP@all: paired, seed by seed."""
    column = "ZS mAP@all"
    base = next((name for name in BASELINES if column in rows.get(name, {})), "")
    if not base:
        return "", {}
    theirs, seeds = rows[base][column], rows[base].get(SEED)
    return base, {
        name: [a - b for a, b in zip(cells[column], theirs, strict=True)]
        for name, cells in rows.items()
        if name != base and len(cells.get(column, [])) == len(theirs) and cells.get(SEED) == seeds
    }


def cell(numbers: Sequence[float], form: str = ".3f") -> str:
    """Mean, and half its 95 % interval where there are several.

    >>> cell([0.1, 0.2, 0.3]), cell([0.25]), cell([])
    ('0.200 ± 0.248', '0.250', '')
    """
    if not numbers:
        return ""
    mean, half = interval(numbers)
    return f"{mean:{form}}" + ("" if math.isnan(half) else f" ± {half:{form.lstrip('+')}}")


def table(rows: Values, *, n: str = "seeds") -> list[list[str]]:
    """Text cells: a row for each method."""
    heads = headings(rows)
    base, above = against(rows)
    first, *rest = heads
    top = ["method", first, *([f"above {base}"] if base else []), *rest, n]
    made = [top]
    for name, cells in rows.items():
        line = [name, cell(cells.get(first, []))]
        line += [cell(above.get(name, []), "+.3f")] if base else []
        for heading in rest:
            own = cells.get(heading, [])
            line.append((f"{np.mean(own):.0f}" if own else "") if heading == "seconds" else cell(own))
        made.append([*line, str(len(cells.get(first, [])))])
    return made


def write(plan: "Plan") -> tuple["Path", "Path"]:
    """``table.md``, ``table.csv``, ``runs.csv`` and ``index.html`` of the runs that are done."""
    said = read_json(plan.out / "about.json")
    done = found(plan)
    if (plan.out / "records").is_dir():
        write_json(plan.out / "records" / STALE, stale(plan))
    parts = tables(plan, done, said["imagenet"])
    how = (
        "Mean ± half the 95 % interval (Student's t). Over seeds: how far another training run would move "
        "a number; over splits: how far other unseen classes would, each split counted once. The seen column "
        "ranks other pictures, so compare it down the column; the gap to ZS is what is not carried over."
    )
    whole = f"{said['pictures']}. {said['network']}. {said['budget']}."
    text = [f"# {html.escape(plan.out.name)}: methods compared", "", html.escape(whole), "", how]
    for title, caption, rows, n in parts:
        text += ["", f"## {html.escape(title)}", "", markdown(table(rows, n=n), caption)]
    if not done:
        text += ["", "No run is done yet."]
    text += [
        "",
        "## Notes",
        "",
        *(f"- {note}" for note in _notes(plan, said, done)),
    ]
    path = plan.out / "table.md"
    _text(path, "\n".join(text) + "\n")
    _csv(plan.out / "table.csv", _long(parts))
    _csv(plan.out / "runs.csv", _each(done))
    page = plan.out / "index.html"
    _text(page, html_page(plan, done, parts, said, how))
    return path, page


Part = tuple[str, str, Values, str]  # a title, a caption, the numbers, what they are over


def tables(
    plan: "Plan", done: Sequence[tuple["Job", dict[str, Any], Run]], known: Mapping[str, str]
) -> list[Part]:
    """One part for each split, and one over all where there are several."""
    parts: list[Part] = []
    for split in plan.splits:
        mine = [one for one in done if one[0].split == split]
        if mine:
            chance = given.chance(plan.bench(split))  # whatever older records say
            caption = f"{mine[0][2].manifest['benchmark']['says']}; chance {chance:.3f}"
            parts.append((split.name, caption, values(mine, set(known) & set(split.unseen)), "seeds"))
    if len(parts) > 1:
        parts.append((f"all {len(parts)} splits", "The mean of each split's seeds, over the splits.",
                      pooled([rows for *_, rows, _ in parts]), "splits"))  # fmt: skip
    return parts + travelled(plan, {details["run"] for _, details, _ in done})


def travelled(plan: "Plan", runs: set[str]) -> list[Part]:
    """A part for each kind of transfer and split, of these runs and of those from elsewhere."""
    parts: dict[tuple[str, str], tuple[list[str], Values]] = {}
    for one in transfer.kept(plan, runs):
        says, rows = parts.setdefault((one["title"], one["split"]), ([], {}))
        left = one.get("left_out")
        says.append(one["says"] + (f"; left out, as trained on: {', '.join(left)}" if left else ""))
        _note(rows, one["row"], one["metrics"])
    return [(f"Transfer: {title} ({split})", "; ".join(dict.fromkeys(says)), rows, "seeds")
            for (title, split), (says, rows) in parts.items()]  # fmt: skip


def _long(parts: Sequence[Part]) -> list[list[Any]]:
    made: list[list[Any]] = [["split", "method", "metric", "mean", "half_interval", "n", "over"]]
    for title, _, rows, n in parts:
        for name, cells in rows.items():
            for heading, own in ((h, o) for h, o in cells.items() if h != SEED):
                mean, half = interval(own)
                made.append([title, name, heading, f"{mean:.6g}", "" if math.isnan(half) else f"{half:.6g}",
                             len(own), n])  # fmt: skip
    return made


def _each(done: Sequence[tuple["Job", dict[str, Any], Run]]) -> list[list[Any]]:
    heads = [f"{setting} {metric}" for _, setting, metric in COLUMNS]
    made: list[list[Any]] = [["method", "split", "seed", *heads, "images", "seconds", "run"]]
    for job, details, run in done:
        numbers = [run.number(setting).get(metric, "") for _, setting, metric in COLUMNS]
        made.append([job.method, job.split.name, job.seed, *numbers, run.manifest["images"],
                     run.manifest["seconds"], details["run"]])  # fmt: skip
    return made


def _notes(
    plan: "Plan", said: Mapping[str, Any], done: Sequence[tuple["Job", dict[str, Any], Run]]
) -> list[str]:
    """What failed and is still missing, what is known of the data, what methods said, each once."""
    there = {job.name for job, *_ in done}
    lost = said.get("failed", {})
    failed = [lost.get(job.key(), "") for job in plan.jobs() if lost and job.name not in there]
    warned = [note for _, details, _ in done for note in details["notes"]]
    left = said.get("left_out", [])
    return [*filter(None, failed), *said["notes"], *left, *dict.fromkeys(warned), *_marked(said, done)]


def _marked(said: Mapping[str, Any], done: Sequence[tuple["Job", dict[str, Any], Run]]) -> list[str]:
    """Which unseen classes the pre-training has probably seen."""
    unseen = sorted({name for _, details, _ in done for name in details["per_class"]})
    mine = [f"{name} ({said['imagenet'][name].split(',')[0]})" for name in unseen if name in said["imagenet"]]
    if not mine:
        return []
    return [
        f"ImageNet, which the weights may come from, has {len(mine)} of {len(unseen)} unseen classes, going "
        f"by their words, which is approximate: {', '.join(mine)}"
    ]


def _csv(path: "Path", rows: Sequence[Sequence[Any]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    _text(path, text.getvalue())


def _text(path: "Path", text: str) -> None:
    write_whole(path, lambda draft: draft.write_text(text, encoding="utf-8"))


# --- the page ---------------------------------------------------------------------------------------------


def html_page(
    plan: "Plan", done: Sequence[tuple["Job", dict[str, Any], Run]], parts: Sequence[Part],
    said: Mapping[str, Any], how: str,
) -> str:  # fmt: skip
    """One page that fetches nothing."""
    title = html.escape(f"{plan.out.name}: methods compared")
    whole = f"{said['pictures']}. {said['network']}. {said['budget']}."
    body = [f"<p>{html.escape(whole)}</p>",
            f"<p>{len(done)} of {len(plan.jobs())} runs are done. {html.escape(how)}</p>"]  # fmt: skip
    for name, caption, rows, n in parts:
        head, *lines = table(rows, n=n)
        safe = [[html.escape(text) for text in line] for line in lines]
        body += [
            f"<h2>{html.escape(name)}</h2>",
            report.table([html.escape(text) for text in head], safe),
            f"<p>{html.escape(caption)}</p>",
        ]
    if parts:
        home = [part for part in parts if "ZS mAP@all" in headings(part[2])]
        body += [_drawn(home[-1]), classes(done, said["imagenet"]), strips(plan, done)] if home else []
    notes = _notes(plan, said, done)
    body += ["<h2>Notes</h2><ul>", *(f"<li>{html.escape(note)}</li>" for note in notes), "</ul>"]
    made = [(html.escape(k), html.escape(v)) for k, v in report.environment().items()]
    body += ["<h2>Environment</h2>", report.table(("What", "Value"), made)]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>{report.POLICY}'
        f'<meta name="viewport" content="width=device-width"><style>{report.STYLE}{STYLE}</style></head>\n'
        f"<body><main><h1>{title}</h1>\n{chr(10).join(body)}\n</main></body></html>\n"
    )


def dots(rows: Values, *, column: str = "ZS mAP@all", n: str = "seeds", title: str = "") -> Any:
    """A figure: each method's mean, its interval, and every value; reads on light and dark."""
    from sbirkit.data.sheets import GREY, canvas
    from sbirkit.retrieval.plots import HIT

    figure, ax = canvas(6.4, 0.9 + 0.3 * len(rows))
    told = []
    for i, (name, cells) in enumerate(rows.items()):
        own = cells[column]
        mean, half = interval(own)
        ax.plot(own, [i] * len(own), "|", color=GREY, ms=8)
        ax.errorbar(mean, i, xerr=None if math.isnan(half) else half, fmt="o", color=HIT, capsize=3)
        told.append(f"{name} {cell(own)}")
    ax.set_yticks(range(len(rows)), list(rows), parse_math=False)
    ax.set(ylim=(len(rows) - 0.5, -0.5), xlabel=f"{column}; dot: mean, bar: 95 %, tick: one of the {n}")
    ax.set_xlim(left=0)
    figure.alt = f"{column}{', ' + title if title else ''}: {', '.join(told)}."
    return figure


def _drawn(part: Part) -> str:
    title, _, rows, n = part
    figure, image = dots(rows, n=n, title=title), io.BytesIO()
    figure.savefig(image, format="svg", bbox_inches="tight", transparent=True)
    data = base64.b64encode(image.getvalue()).decode()
    alt = html.escape(figure.alt, quote=True)
    return f'<h2>At a glance</h2><img class="plot" alt="{alt}" src="data:image/svg+xml;base64,{data}">'


def classes(done: Sequence[tuple["Job", dict[str, Any], Run]], known: Mapping[str, str]) -> str:
    """mAP@all of each unseen class, hardest first, a column for each method; the mean over runs."""
    methods = list(dict.fromkeys(job.method for job, *_ in done))
    names = sorted({name for _, details, _ in done for name in details["per_class"]})
    means = {
        (name, m): float(np.mean(own))
        for name in names
        for m in methods
        if (own := [d["per_class"][name] for job, d, _ in done if job.method == m and name in d["per_class"]])
    }
    ranked = sorted(names, key=lambda name: np.mean([means[name, m] for m in methods if (name, m) in means]))
    lines = [
        [html.escape(name.replace("_", " ")) + (" *" if name in known else ""),
         *(f"{means[name, m]:.3f}" if (name, m) in means else "" for m in methods)]
        for name in ranked
    ]  # fmt: skip
    star = "<p>* by its words, ImageNet has this class.</p>" if any(n in known for n in names) else ""
    title = "<h2>Unseen classes, hardest first (mAP@all)</h2>"
    return title + report.table(("class", *methods), lines) + star


def strips(plan: "Plan", done: Sequence[tuple["Job", dict[str, Any], Run]]) -> str:
    """A few sketches, and what each method found for them: the first split's first seed."""
    first = [one for one in done if one[0].split == plan.splits[0]]
    seed = min((job.seed for job, *_ in first), default=0)
    mine = [(job, details) for job, details, _ in first if job.seed == seed]
    if not mine:
        return ""
    bench = plan.bench(plan.splits[0])
    said = ["<h2>What they find</h2><p>The same sketches for all: ✓ and a whole line around a photo of the "
            "sketch's class, ✗ and a broken line around another.</p>"]  # fmt: skip
    for i, one in enumerate(mine[0][1]["strips"]):
        row = one["query"]
        wanted = bench.catalogue.column("label")[row]
        said.append(f"<h3>{html.escape(_words(wanted))}</h3>")
        for job, details in mine:
            figures = [_figure(bench, row, "", f"sketch of {_words(wanted)}", job.method)]
            for photo in details["strips"][i]["top"]:
                label = bench.catalogue.column("label")[photo]
                hit = label == wanted
                sign = f"{'✓' if hit else '✗'} {_words(label)}"
                figures.append(
                    _figure(bench, photo, "hit" if hit else "miss", f"photo of {_words(label)}", sign)
                )
            label = f'role="group" aria-label="{html.escape(job.method)}"'
            said.append(f'<div class="strip" {label}>{"".join(figures)}</div>')
    return "\n".join(said)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _figure(bench: "Benchmark", row: int, kind: str, alt: str, words: str) -> str:
    picture = np.asarray(bench.catalogue.images([row])[0])
    small = Image.fromarray(picture)
    small.thumbnail((SIDE, SIDE))
    data, photo = io.BytesIO(), picture.ndim == 3
    small.save(data, "JPEG", quality=80) if photo else small.save(data, "PNG")
    source = f"data:image/{'jpeg' if photo else 'png'};base64,{base64.b64encode(data.getvalue()).decode()}"
    return (f'<figure class="{kind}"><img src="{source}" alt="{html.escape(alt, quote=True)}">'
            f"<figcaption>{html.escape(words)}</figcaption></figure>")  # fmt: skip
