"""How fast do pictures reach the model? ``python -m benchmarks.loading`` compares us with ImageFolder.

Both sides start from the same 256 px JPEG photos, made here; both read from the page cache, in batches of
64, shuffled, with two workers (processes for the peer, threads for us). What differs is the point: the peer
decodes every picture every time and hands over float tensors, we decode once when packing and hand over
``uint8``.

Not the same: the peer's usual crop (RandomResizedCrop) also rescales, ours shifts a window over a picture
packed at 9/8 of the size. So the peer is also timed with our policy (resize to 9/8, shift, mirror) and
without augmentation; and we are also timed with the conversion to float that the model would do, and with a
heavy recipe (DSN's: stretch, turn, shift, mirror, colour), which has no counterpart in the table.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from benchmarks._measure import Row, compare, machine, table
from sbirkit import paths
from sbirkit.data.augment import Augment
from sbirkit.data.catalogue import Catalogue
from sbirkit.data.loading import Loader
from sbirkit.data.pictures import read_picture
from sbirkit.data.sampling import Captioned, Items
from sbirkit.data.writing import Item, write_catalogue

PACKED = {64: 72, 224: 252}
AIM = {64: 6.0, 224: 5.0}
BATCH, WORKERS = 64, 2
SHIFT = Augment(flip=0.5, shift=1 / 18)
COLOUR = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1, "jitter": 0.8, "grayscale": 0.2}
DSN = Augment(geometry=0.7, flip=0.5, scale=0.3, rotate=30, shift=10 / 224, each=0.5, **COLOUR)
PEER, OURS = "ImageFolder, RandomResizedCrop + flip", "sbirkit, shift + flip"


def texture(seed: int, side: int = 256) -> Image.Image:
    """Coloured noise with as much contrast at every scale: about as hard for JPEG as a photo."""
    noise, total = np.random.default_rng(seed), np.zeros((side, side, 3))
    for octave in range(1, 8):
        small = Image.fromarray(noise.integers(0, 256, (2**octave, 2**octave, 3), dtype=np.uint8))
        total += (np.asarray(small.resize((side, side), Image.Resampling.BICUBIC)) - 127.5) / 1.4**octave
    return Image.fromarray((127.5 + total).clip(0, 255).astype(np.uint8))


def write_pictures(folder: Path, photos: int, classes: int = 20) -> list[Item]:
    """``folder/class_00/*.jpg``, as ImageFolder wants it."""
    items = []
    for i in range(photos):
        file = folder / f"class_{i % classes:02d}" / f"{i:05d}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        texture(i).save(file, quality=90)
        items.append(Item(file.parent.name, "photo", f"{file.parent.name}/{file.name}"))
    return items


def picture(item: Item, *, folder: Path) -> Image.Image:
    return read_picture(folder / item.source, "photo")


def peer(folder: Path, steps: list[Callable]) -> DataLoader:
    data = ImageFolder(folder, transforms.Compose([*steps, transforms.ToTensor()]))
    return DataLoader(data, BATCH, shuffle=True, num_workers=WORKERS, drop_last=True, persistent_workers=True)


def ours(catalogue: Catalogue, size: int, augment: Augment | None) -> Loader:
    photos = Items(catalogue.column("label"), np.zeros(len(catalogue), bool))
    return Loader(
        catalogue, Captioned(photos, size=BATCH), size=size, augment=augment, workers=WORKERS, prefetch=4
    )


def loading(folder: Path, catalogue: Catalogue, size: int, *, repeat: int, epochs: int) -> list[Row]:
    """Seconds per picture. We run ``epochs`` epochs a round, the slower peer one."""
    stored, flip = PACKED[size], transforms.RandomHorizontalFlip()
    peers = {
        PEER: peer(folder, [transforms.RandomResizedCrop(size), flip]),
        "ImageFolder, shift + flip as ours": peer(
            folder, [transforms.Resize(stored), transforms.RandomCrop(size), flip]
        ),
        "ImageFolder, no augmentation": peer(folder, [transforms.Resize((size, size))]),
    }
    mine = {
        OURS: ours(catalogue, size, SHIFT),
        "sbirkit, no augmentation": ours(catalogue, size, None),
        "sbirkit, DSN's recipe": ours(catalogue, size, DSN),
    }

    def run_peer(loader: DataLoader) -> None:
        for _ in loader:
            pass

    def run_ours(loader: Loader, *, to_float: bool = False) -> None:
        for epoch in range(epochs):
            for batch in loader.epoch(epoch):
                if to_float:
                    batch.photo.float().div_(255)

    contenders: dict[str, Callable[[], None]] = {name: partial(run_peer, x) for name, x in peers.items()}
    contenders |= {name: partial(run_ours, x) for name, x in mine.items()}
    contenders[OURS + ", to float"] = partial(run_ours, mine[OURS], to_float=True)
    seen = len(catalogue) // BATCH * BATCH
    rows = compare(contenders, repeat=repeat, warmup=1)
    return [
        Row(r.name, tuple(s / seen / (1 if r.name in peers else epochs) for s in r.seconds)) for r in rows
    ]


def packing(folder: Path, out: Path, items: list[Item]) -> tuple[Catalogue, float]:
    """Decode and pack all pictures at both sizes with two processes: the catalogue, and pictures a second."""
    start = time.perf_counter()
    read = partial(picture, folder=folder)
    sizes = tuple(PACKED.values())
    catalogue = write_catalogue(
        out, items, read, card={"name": "textures"}, sizes=sizes, workers=WORKERS, progress=False
    )
    return catalogue, len(items) / (time.perf_counter() - start)


def rendering(*, n: int) -> dict[str, float]:
    """Doodle World's pictures a second of processor time, on one core, each size alone."""
    from sbirkit.data.doodleworld import World

    speed = {}
    for size in PACKED:
        world = World(sizes=(size,))
        items = world.items()
        for modality in ("sketch", "photo"):
            some = [i for i in items if i.modality == modality]
            some = some[:: max(1, len(some) // n)][:n]
            world.picture(some[0])
            start = time.process_time()
            for item in some:
                world.picture(item)
            speed[f"{modality} {size} px"] = len(some) / (time.process_time() - start)
    return speed


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.loading", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="256 photos and 2 rounds instead of 1,024 and 5")
    args = parser.parse_args()
    photos, repeat, epochs = (256, 2, 8) if args.quick else (1024, 5, 4)
    torch.set_num_threads(1)  # the rest of the machine belongs to the workers, on both sides
    found: dict = {"machine": machine(), "photos": photos, "batch": BATCH, "workers": WORKERS, "loading": {}}
    with tempfile.TemporaryDirectory() as temporary:
        folder, out = Path(temporary, "photos"), Path(temporary, "catalogue")
        catalogue, found["packing"] = packing(folder, out, write_pictures(folder, photos))
        for size, aim in AIM.items():
            rows = loading(folder, catalogue, size, repeat=repeat, epochs=epochs)
            by_name = {r.name: r for r in rows}
            ratio = by_name[OURS].ratio(by_name[PEER])
            found["loading"][size] = {
                r.name: {"images_per_second": 1 / r.median, "ratio": r.ratio(by_name[PEER])} for r in rows
            }
            print(f"{size} px, seconds per picture\n{table(rows, baseline=PEER, items=1)}")
            print(f"aim: at least {aim:g}x; measured: {ratio:.1f}x\n", flush=True)
    found["rendering"] = rendering(n=60 if args.quick else 400)
    print(
        f"packing at {' and '.join(map(str, PACKED.values()))} px: {found['packing']:,.0f} photos/s, 2 cores"
    )
    for what, speed in found["rendering"].items():
        print(f"Doodle World, {what}: {speed:,.0f} pictures/s on one core")
    print(found["machine"])
    kept = paths.home() / "benchmarks" / "loading.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(found, indent=1) + "\n")
    print(f"kept in {kept}")


if __name__ == "__main__":
    main()
