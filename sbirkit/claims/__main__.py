"""``python -m sbirkit.claims``: fill the ledger, judge it, write it down."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sbirkit import paths
from sbirkit.training.files import write_json

from .elsewhere import section
from .filling import work
from .page import page, records_folder, rows
from .reading import Ledger, read_ledger
from .records import jobs


def whole(ledger: Ledger, out: Path) -> str:
    """The ledger's page: Doodle World, and where the claims were read from real pictures, those beside it."""
    real = section(ledger, records_folder(out, "laptop"), out.parent / "real-mini-arms" / "runs.csv")
    return page(ledger, out) + (f"\n## On real pictures\n\n{real}\n" if real else "")


def main(argv: Sequence[str] | None = None) -> int:
    """Train and measure what is missing, then judge every claim and write the ledger.

    Interrupted at any time, the same command goes on: finished runs and their records stay.
    """
    parser = argparse.ArgumentParser(prog="python -m sbirkit.claims", description=main.__doc__)
    parser.add_argument("--only", default="", help="papers, with commas: RAMLN,DSN (default: all)")
    parser.add_argument("--seeds", type=int, help="how many (default: 3; 5 with the gpu profile)")
    parser.add_argument("--profile", default="laptop", help="smoke, laptop (default) or gpu")
    parser.add_argument("--world-seed", type=int, default=0, help="1: confirm on a fresh world")
    parser.add_argument("--shard", default="1/1", help="2/4: the second quarter of the runs")
    parser.add_argument("--minutes", type=float, default=0, help="begin no run after so many; 0: all")
    parser.add_argument("--workers", type=int, default=2, help="runs side by side, a thread each")
    parser.add_argument("--out", type=Path, help="default: results/claims of the checkout; smoke: in build/")
    parser.add_argument("--claims", type=Path, help="another file like claims.toml")
    parser.add_argument("--table", action="store_true", help="only judge and write the page")
    args = parser.parse_args(argv)
    try:
        ledger = read_ledger(args.claims)
        part = ledger.only([name.strip() for name in args.only.split(",")]) if args.only else ledger
        number, of = map(int, args.shard.split("/"))
        wanted = jobs(part, profile=args.profile, seeds=args.seeds or (5 if args.profile == "gpu" else 3),
                      world_seed=args.world_seed)  # fmt: skip
        if not 1 <= number <= of:
            raise ValueError(f"--shard: want 1/{of} to {of}/{of}, got {args.shard}")
    except ValueError as error:
        parser.error(str(error))
    shipped = paths.results() if args.profile != "smoke" else None
    out = args.out or (shipped or paths.home()) / "claims"
    failed = 0
    if not args.table:
        folder = records_folder(out, args.profile, args.world_seed)
        failed = work(ledger, wanted[number - 1 :: of], folder, workers=args.workers, minutes=args.minutes)
    out.mkdir(parents=True, exist_ok=True)
    (out / "README.md").write_text(whole(ledger, out), encoding="utf-8")
    write_json(out / "ledger.json", rows(ledger, records_folder(out, args.profile)))
    print(f"The ledger: {out / 'README.md'}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
