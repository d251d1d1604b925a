"""The same claims on other pictures: read from the table that `make compare` writes, beside Doodle World's.

An arm of the ledger is a row there: `make compare DATA=folder SPLITS=3 METHODS=dsn,dsn:contrastive=1e-09`.
``python -m sbirkit.claims.elsewhere`` prints the METHODS that the central claims need.
"""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from sbirkit.models.making import METHODS
from sbirkit.retrieval.result import markdown

from .judging import Outcome, judge
from .page import effect
from .reading import EMBED, Arm, Ledger, Side, read_ledger
from .records import Records

CENTRAL = ("ramln.whole", "ramln.softmax", "dsn.softmax", "dsn.contrast", "masbir.text", "masbir.softmax",
           "masbir.terms", "bda.softmax", "bda.levels")  # fmt: skip


def label(arm: Arm) -> str:
    """What `make compare` calls an arm; empty where it has no words for it.

    >>> label(Arm(name="mute", method="dsn", options={"contrastive": 0.0}))
    'dsn:contrastive=0.0'
    """
    known = {field.name for field in fields(METHODS[arm.method].Options)}
    options = {key: value for key, value in arm.options.items() if (key, value) != ("network", "convnet")}
    if arm.train or arm.half or not known.issuperset(options):
        return ""
    return ":".join(filter(None, [arm.method, "+".join(f"{k}={v}" for k, v in options.items())]))


def needed(ledger: Ledger, ids: Sequence[str] = CENTRAL) -> list[str]:
    """The METHODS of a comparison that some claims can be read from."""
    sides = [side for name in ids for side in (*ledger.claims[name].better, *ledger.claims[name].than)]
    return list(dict.fromkeys(label(ledger.arms[side.arm]) for side in sides))


def read(path: Path, ledger: Ledger) -> Records:
    """The rows of a ``runs.csv`` as records, one for each split: the mean of the seeds that all arms have.

    Splits stand where the ledger has seeds: an interval over them says how far other unseen classes would
    move an effect.
    """
    arms = {label(arm): arm.name for arm in ledger.arms.values() if label(arm)}
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["method"] in arms]
    found: dict[tuple[str, str], dict[str, Mapping[str, str]]] = {}
    for row in rows:
        found.setdefault((row["split"], arms[row["method"]]), {})[row["seed"]] = row
    records: dict[str, dict[str, Any]] = {}
    for number, split in enumerate(dict.fromkeys(row["split"] for row in rows)):
        mine = {arm: by_seed for (of, arm), by_seed in found.items() if of == split}
        shared = sorted(set.intersection(*map(set, mine.values())))
        for arm, by_seed in mine.items():
            numbers: dict[str, dict[str, float]] = {}
            for column in (name for name in rows[0] if " " in name):
                setting, _, metric = column.partition(" ")
                if values := [float(by_seed[s][column]) for s in shared if by_seed[s][column]]:
                    numbers.setdefault(setting, {})[metric] = sum(values) / len(values)
            records[f"{arm}.{Side(arm).place}.s{number}"] = {
                "numbers": {EMBED: numbers}, "asked": {"train": {"seed": number}}
            }  # fmt: skip
    return Records(records)


def beside(ledger: Ledger, home: Records, there: Records) -> list[tuple[Outcome, Outcome]]:
    """The central claims that both places can answer: Doodle World's outcome and the other's."""
    part = replace(ledger, claims={k: c for k, c in ledger.claims.items() if k in CENTRAL}, curves={})
    first = {one.claim.id: one for one in judge(ledger, home)}
    return [
        (first[one.claim.id], one) for one in judge(part, there) if one.test.n and first[one.claim.id].test.n
    ]


def table(pairs: Sequence[tuple[Outcome, Outcome]]) -> list[list[str]]:
    """A row for each claim: both effects with intervals and verdicts, and whether they point one way."""
    made = [["claim", "Doodle World, over seeds", "there, over splits", "the same way"]]
    for one, other in pairs:
        said = [f"{effect(x)}, {x.verdict}" for x in (one, other)]
        made.append([f"{one.claim.paper}: {one.claim.sentence}", *said, way(one, other)])
    return made


def way(one: Outcome, other: Outcome) -> str:
    """Whether two effects have one sign; that of an effect too small to matter says nothing."""
    if max(abs(one.test.effect), abs(other.test.effect)) < one.claim.least:
        return "too small in both"
    return "yes" if (one.test.effect > 0) == (other.test.effect > 0) else "no"


def section(ledger: Ledger, home: Path, path: Path) -> str:
    """The table as Markdown with its caption; empty where there is no such comparison."""
    if not path.is_file():
        return ""
    there = read(path, ledger)
    rows = table(beside(ledger, Records(home), there))
    count = Counter(row[-1] for row in rows[1:])
    name, small = path.parent.name.removesuffix("-arms"), count["too small in both"]
    how = (f"The central claims beside those of {name}, {len(there.seeds)} splits. Of {len(rows) - 1} "
           f"effects {count['yes']} point the same way, {count['no']} do not, and {small} "
           f"{'is' if small == 1 else 'are'} too small to matter in both places.")  # fmt: skip
    return markdown(rows, how)


if __name__ == "__main__":
    print(",".join(needed(read_ledger())))
