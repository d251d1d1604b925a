"""Small archives in the layouts of the published sets, and a folder with all that can be wrong with it.

Filled with Doodle World, so that a command can be tried on the spot, before anything is fetched: nothing in
here is a picture of the real sets. Classes are theirs, in their spelling.
"""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from sbirkit.data.doodleworld import World
from sbirkit.data.doodleworld.sketch import sketch_view
from sbirkit.data.doodleworld.words import attributes
from sbirkit.data.doodleworld.world import inhabitants
from sbirkit.data.names import normalise
from sbirkit.data.streams import stream

SIDE = 96
SKETCHY = ("airplane", "cat", "hot-air_balloon", "teapot")
TUBERLIN = {  # folder of sketches -> folder of photos, as the archives spell them
    "giraffe": "griaffe", "hot air balloon": "hotairballoon", "palm tree": "palmtree", "spider": "spidar",
}  # fmt: skip
QUICKDRAW = {"cat": "cat", "motorbike": "motorcycle", "windmill": "windmill"}  # Google's name -> ours
OWN = (
    "airplane", "bicycle", "butterfly", "camel", "cat", "chair", "crab", "cup", "duck", "fish",
    "giraffe", "helicopter", "hot_air_balloon", "lighthouse", "mushroom", "octopus", "owl", "snail",
    "teapot", "windmill",
)  # fmt: skip


def sketchy(folder: str | Path, *, objects: int = 3, seed: int = 0) -> list[Path]:
    """Sketchy's folder ``256x256`` and the zip of its extension: what ``--from`` takes, in this order.

    The extension holds every original again, saved anew, and two photos more of each class; one sketch shows
    an object whose photo is not there.
    """
    folder, world = Path(folder), World(seed=seed)
    files, extension = {}, {}
    for n, name in enumerate(SKETCHY):
        label = normalise(name)
        for k in range(objects):
            stem, photo = f"n0{2_690_000 + n}_{100 + k}", world.photo(label, k, SIDE)
            for rendering in ("tx_000000000000", "tx_000100000000"):
                for take in range(2):
                    drawn = world.sketch(label, k, take, SIDE)
                    files[f"sketch/{rendering}/{name}/{stem}-{take + 1}.png"] = encoded(drawn)
                files[f"photo/{rendering}/{name}/{stem}.jpg"] = encoded(photo, "JPEG")
            extension[f"EXTEND_image_sketchy/{name}/{stem}.jpg"] = encoded(photo, "JPEG", quality=60)
        for k in range(objects, objects + 2):
            photo = world.photo(label, k, SIDE)
            extension[f"EXTEND_image_sketchy/{name}/ext_{k}.jpg"] = encoded(photo, "JPEG")
    lost = world.sketch(normalise(SKETCHY[0]), 99, size=SIDE)
    files[f"sketch/tx_000000000000/{SKETCHY[0]}/n02690000_199-1.png"] = encoded(lost)
    write(folder / "256x256", files)
    return [folder / "256x256", zipped(folder / "EXTEND_image_sketchy.zip", extension)]


def tuberlin(folder: str | Path, *, each: int = 4, seed: int = 0) -> list[Path]:
    """TU-Berlin's ``sketches_png.zip`` and ``ImageResized.zip``, whose photo folders are spelt otherwise."""
    folder, world = Path(folder), World(seed=seed)
    sketches, photos = {}, {}
    for n, (theirs, of_photos) in enumerate(TUBERLIN.items()):
        label = normalise(theirs)
        for k in range(each):
            sketches[f"png/{theirs}/{n * each + k + 1}.png"] = encoded(world.sketch(label, k, size=SIDE))
            picture = world.photo(label, each + k, SIDE)
            photos[f"ImageResized/{of_photos}/n0{k}_{n}.JPEG"] = encoded(picture, "JPEG")
    return [zipped(folder / "sketches_png.zip", sketches), zipped(folder / "ImageResized.zip", photos)]


def quickdraw(folder: str | Path, *, each: int = 4, seed: int = 0) -> list[Path]:
    """A folder of Quick, Draw! stroke files and ``QuickDraw_images_final.zip``.

    Of every file the first drawing was not recognised by the game. One holds a line that is no JSON; another
    ends in the middle of a drawing, as the head of a download does.
    """
    folder, world = Path(folder), World(seed=seed)
    lines, photos = {}, {}
    for word, label in QUICKDRAW.items():
        drawn = [drawing(world, label, k) for k in range(each + 1)]
        records = [{"word": word, "recognized": k > 0, "drawing": d} for k, d in enumerate(drawn)]
        lines[f"{word}.ndjson"] = "".join(json.dumps(record) + "\n" for record in records).encode()
        for k in range(each):
            photo = encoded(world.photo(label, 50 + k, SIDE), "JPEG")
            photos[f"QuickDraw_images_final/{label}/{k}.jpg"] = photo
    lines["cat.ndjson"] += b'{"word": "cat", "recognized": true, "drawing": nothing}\n'
    lines["windmill.ndjson"] += lines["windmill.ndjson"].splitlines()[0][:40]
    write(folder / "simplified", lines)
    return [folder / "simplified", zipped(folder / "QuickDraw_images_final.zip", photos)]


def own(
    folder: str | Path, *, classes: Sequence[str] = OWN, each: int = 12, seed: int = 0, faults: bool = True
) -> Path:
    """``sketch/<class>/*.png`` and ``photo/<class>/*.jpg``, as somebody's folder is: mostly sound.

    Planted, with ``faults``: a broken photo, a text called ``.jpg``, a photo filed under two classes, one
    kept twice in its class, one saved again in another class, a class without photos, a class of two
    spellings, a stray file.
    """
    folder, world = Path(folder), World(seed=seed)
    files: dict[str, bytes] = {}
    photos: dict[str, np.ndarray] = {}
    for label in classes:
        for k in range(each):
            files[f"sketch/{label}/{k:03d}.png"] = encoded(world.sketch(label, k, size=SIDE))
            photos[f"{label}/{k:03d}"] = photo = world.photo(label, k, SIDE)
            files[f"photo/{label}/{k:03d}.jpg"] = encoded(photo, "JPEG", quality=90)
    if faults:
        a, b, c, d, e, *_, last = classes
        files[f"photo/{a}/broken.jpg"] = files[f"photo/{a}/000.jpg"][:900]
        files[f"photo/{a}/letter.jpg"] = b"Dear sister, the photos are in the other folder.\n"
        files[f"photo/{b}/from another folder.jpg"] = files[f"photo/{last}/003.jpg"]
        files[f"photo/{c}/001 (copy).jpg"] = files[f"photo/{c}/001.jpg"]
        brighter = np.clip(photos[f"{last}/005"] * 1.06 + 6.0, 0, 255).astype(np.uint8)
        files[f"photo/{d}/from the web.jpg"] = encoded(brighter, "JPEG", quality=70)
        files[f"photo/{e}/list of photos.txt"] = b"000.jpg: nice\n"
        for k in range(3):
            files[f"sketch/castle/{k:03d}.png"] = encoded(world.sketch("castle", k, size=SIDE))
        for name in [name for name in files if name.startswith("sketch/hot_air_balloon/")]:
            files[name.replace("hot_air_balloon", "Hot-air balloon")] = files.pop(name)
    write(folder, files)
    return folder


def words(path: str | Path, *, classes: Sequence[str] = OWN, missing: int = 3) -> Path:
    """A vector for each class in an ``.npz`` with ``names`` and ``vectors``, with gaps: of the first
    ``missing`` classes all but one have no row, and that one has a row of NaN.

    The vectors are Doodle World's attributes, in place of GloVe's or CLIP's.
    """
    known = classes[max(missing - 1, 0) :]
    told = {name: attributes(name, inhabitants()[name]) for name in known}
    kinds = sorted({kind for one in told.values() for kind in one})
    vectors = np.array([[one.get(kind, 0.0) for kind in kinds] for one in told.values()], np.float32)
    vectors[: int(missing > 0)] = np.nan
    np.savez(path, names=np.array(list(told)), vectors=vectors)
    return Path(path)


def drawing(world: World, label: str, individual: int, *, side: int = 256) -> list[list[list[int]]]:
    """An individual's outlines as Quick, Draw! has them: strokes ``[[x, ...], [y, ...]]``, y downwards."""
    view = sketch_view(world.view(label, individual), stream(world.seed, "strokes", label, individual), 1.0)
    parts = [part for part in world.figure(label, individual).parts if part.ink and part.detail < 2]
    ends = [np.concatenate([part.xy, part.xy[:1]]) if part.closed else part.xy for part in parts]
    lines = [np.rint(line).clip(0, side - 1).astype(int) for line in view.each(ends, side)]
    return [[line[:, 0].tolist(), (side - 1 - line[:, 1]).tolist()] for line in lines]


def encoded(pixels: np.ndarray, kind: str = "PNG", **options: int) -> bytes:
    """The bytes of a picture's file."""
    memory = io.BytesIO()
    Image.fromarray(pixels).save(memory, kind, **options)
    return memory.getvalue()


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Files by their name below a folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def zipped(path: Path, files: Mapping[str, bytes]) -> Path:
    """The same as a zip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path
