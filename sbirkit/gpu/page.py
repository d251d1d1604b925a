"""What ``gpu-check`` found on a GPU, as rows to read: your own record, or the one in the repository."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sbirkit.runs.papers import place
from sbirkit.runs.rows import ROWS


def record(path: Path | None = None) -> dict[str, Any]:
    """What ``gpu-check`` wrote down, by default at :func:`place`."""
    found: dict[str, Any] = json.loads((path or place()).read_text(encoding="utf-8"))
    return found


def summary(found: Mapping[str, Any]) -> str:
    """One sentence: on what, how many stages, how many of their checks hold, which aims were reached."""
    machine, stages = found["machine"], found["stages"].values()
    checks = [check for stage in stages for check in stage["checks"]]
    bitwise = [check for check in checks if check.get("aim") and "bit for bit" in check["what"]]
    speed = [check for check in checks if check.get("aim") and check not in bitwise]
    firm = [check for check in checks if not check.get("aim")]
    held = [f"{sum(check['ok'] for check in some)} of {len(some)}" for some in (firm, bitwise, speed)]
    where = machine["gpu"]["name"] if "gpu" in machine else machine["processor"]
    ranked = found["stages"].get("quickdraw-shape", {}).get("says")
    said = [
        f"{where}, torch {machine['versions']['torch']}: {len(stages)} stages were run.",
        f"{held[0]} checks hold, {held[1]} times the same bytes came out,",
        f"{held[2]} aims of speed are reached.",
        f"Ranking at QuickDraw-Extended's size: {ranked}." if ranked else "",
    ]
    return " ".join(said).strip()


def alike(found: Mapping[str, Any]) -> list[dict[str, str]]:
    """For each method: repeated, killed and resumed, and beside the CPU's runs of the same seeds."""
    rows = []
    for name in _named(found, "repeat"):
        row = {"method": name}
        for what, stage in (("the same run twice", "repeat"), ("killed and resumed", "resume")):
            bitwise = _measured(found, f"{stage}-{name}").get("bitwise")
            row[what] = {None: "", True: "bit for bit", False: "not the same"}[bitwise]
        numbers = _measured(found, f"agree-{name}").get("zs mAP@all, here and on a CPU, by seed", [])
        means = [sum(side) / len(numbers) for side in zip(*numbers, strict=True)]
        row["mAP@all here"], row["on a CPU"] = (f"{mean:.3f}" for mean in means) if numbers else ("", "")
        rows.append(row)
    return rows


def speeds(found: Mapping[str, Any]) -> list[dict[str, str]]:
    """Pictures a second of each method in bfloat16, beside the bare network; then of the papers' networks."""
    rows = []
    for name in _named(found, "throughput"):
        if one := _measured(found, f"throughput-{name}").get("bf16"):
            rows.append({"what": name, "network": "convnet, 64 px"} | _speed(one))
    for name in _named(found, "paper"):
        one = _measured(found, f"paper-{name}")
        if "images_per_second" in one:
            network = f"{one['network']}, {one['size']} px"
            rows.append({"what": f"{name}, as published", "network": network} | _speed(one))
    return rows


def _speed(one: Mapping[str, Any]) -> dict[str, str]:
    return {
        "a step": f"{one['pictures_per_step']:,.0f}", "pictures a second": f"{one['images_per_second']:,.0f}",
        "of the bare network's": f"{one['of bare']:.0%}", "spent on data": f"{one['waiting']:.0%}",
        "GB": f"{one['memory']['bytes'] / 1e9:.1f}",
    }  # fmt: skip


def _measured(found: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """What a stage measured; nothing where it was not run, or failed."""
    measured: dict[str, Any] = found["stages"].get(stage, {}).get("measured", {})
    return measured


def _named(found: Mapping[str, Any], kind: str) -> list[str]:
    return [name for name in ROWS if f"{kind}-{name}" in found["stages"]]
