"""Random changes to a batch of pictures: ``uint8`` in, ``uint8`` out, on the CPU or on a device."""

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import torch

    Pixels = TypeVar("Pixels", np.ndarray, torch.Tensor)


class Change(NamedTuple):
    """What happens to each of B pictures: the same numbers, whatever carries them out."""

    linear: np.ndarray  # (B, 2, 2): offset (x, y) from the output's centre -> offset from the source's centre
    shift: np.ndarray  # (B, 2): where the window moves over the source, in output pixels
    colour: np.ndarray  # (B, 3, 3): new colour = colour @ old colour + grey * mean grey of the picture
    grey: np.ndarray  # (B,)
    stroke: np.ndarray  # (B,): from -1, thinner by a pixel, to 1, thicker by a pixel

    def warps(self) -> np.ndarray:
        """Which pictures need more than a window and a mirror: (B,) bool."""
        return (abs(self.linear) != np.eye(2)).any((1, 2))

    def recolours(self) -> np.ndarray:
        """Which photos change their colours: (B,) bool."""
        return (self.colour != np.eye(3)).any((1, 2)) | (self.grey != 0)

    def corner(self, stored: int, size: int) -> np.ndarray:
        """Where the window over a stored picture starts, in whole pixels: (B, 2)."""
        return (stored - size) // 2 + np.rint(self.shift).astype(int)


@dataclass(frozen=True, slots=True, kw_only=True)
class Augment:
    r"""A recipe. Every knob at 0 is off; with all off, pictures pass bit for bit.

    Each knob reads its own random numbers, so turning one leaves what the others do unchanged. Pictures that
    are stored larger than asked for are cropped; what a window shows outside the picture is white for
    sketches and the nearest pixel for photos.

    Args:
        flip: chance of a mirror image.
        shift: largest shift along each axis, as a fraction of the side.
        scale: each axis is stretched on its own by a factor in ``1 ± scale``.
        rotate: largest angle either way, in degrees.
        each: chance that a picture is shifted; that it is scaled; that it is rotated (drawn apart).
        geometry: chance that any of the above happens at all.
        brightness, contrast, saturation: for photos, factor in ``1 ± it``.
        hue: for photos, largest turn of the colour wheel either way, as a fraction of a full turn.
        jitter: chance that these four happen.
        grayscale: for photos, chance of losing all colour.
        stroke: for sketches, strokes grow or shrink by up to this many pixels (at most 1).

    DSN's recipe at 224 px: every picture first, and the two views of its contrastive loss.

    >>> base = Augment(geometry=0.7, flip=0.5, scale=0.3, rotate=30, shift=10 / 224, each=0.5)
    >>> colour = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1, "jitter": 0.8}
    >>> view = Augment(flip=0.5, grayscale=0.2, **colour)
    >>> sketches = np.zeros((3, 72, 72), np.uint8)
    >>> base(sketches, np.random.default_rng(0), size=64).shape
    (3, 64, 64)
    """

    flip: float = 0.0
    shift: float = 0.0
    scale: float = 0.0
    rotate: float = 0.0
    each: float = 1.0
    geometry: float = 1.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    jitter: float = 1.0
    grayscale: float = 0.0
    stroke: float = 0.0

    def __post_init__(self) -> None:
        for f in fields(self):
            value, most = getattr(self, f.name), {"rotate": 180.0, "hue": 0.5, "scale": 0.9}.get(f.name, 1.0)
            if not 0 <= value <= most:
                raise ValueError(f"{f.name}: want a number from 0 to {most:g}, got {value!r}")

    def draw(self, rng: np.random.Generator, n: int, size: int) -> Change:
        """Decide what happens to each of ``n`` pictures. Always takes ``17 n`` numbers from ``rng``."""
        u = rng.random((17, n))
        signed = 2 * u - 1
        moved = u[0] < self.geometry
        shifted, scaled, rotated = moved & (u[1:4] < self.each)
        mirror = np.where(moved & (u[4] < self.flip), -1.0, 1.0)
        angle = np.deg2rad(self.rotate) * signed[5] * rotated
        factor = 1 + self.scale * signed[6:8] * scaled
        cos, sin = np.cos(angle), np.sin(angle)
        # Stretch, turn, mirror: to find where an output pixel comes from, undo them in the opposite order.
        linear = np.stack([cos * mirror, sin, -sin * mirror, cos], 1).reshape(n, 2, 2) / factor.T[:, :, None]
        shift = self.shift * size * (signed[8:10] * shifted).T

        jittered, grey = u[10] < self.jitter, u[16] < self.grayscale
        strength = np.array([[self.brightness], [self.contrast], [self.saturation]])
        b, c, s = 1 + strength * signed[11:14] * jittered
        turn = 2 * np.pi * self.hue * signed[14] * (jittered & ~grey)
        mix = _hue(turn) @ _saturation(np.where(grey, 0.0, s))
        return Change(linear, shift, (b * c)[:, None, None] * mix, b * (1 - c), self.stroke * signed[15])

    def __call__(
        self,
        pixels: "Pixels",
        rng: np.random.Generator,
        *,
        size: int | None = None,
        which: np.ndarray | None = None,
    ) -> "Pixels":
        """Change the pictures ``which`` (all by default) of a store; a tensor is worked on where it lies.

        Args:
            pixels: uint8, sketches ``(N, S, S)`` or photos ``(N, S, S, 3)``.
            size: side of what comes back, by default ``S``.

        Returns:
            uint8, ``(B, size, size)`` or ``(B, size, size, 3)``. Windows and mirrors are the same bit for bit
            on every device; interpolated pixels may differ by a level or two.
        """
        which = np.arange(len(pixels)) if which is None else which
        size = size or pixels.shape[1]
        change = self.draw(rng, len(which), size)
        if isinstance(pixels, np.ndarray):
            return _on_cpu(pixels, which, size, change)
        return _on_device(pixels, which, size, change)


LUMA = np.array([0.299, 0.587, 0.114])
YIQ = np.array([LUMA, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


def _saturation(s: np.ndarray) -> np.ndarray:
    """``s`` of the colour and ``1 - s`` of its grey: (B, 3, 3)."""
    return s[:, None, None] * np.eye(3) + (1 - s)[:, None, None] * LUMA


def _hue(turn: np.ndarray) -> np.ndarray:
    """A turn about the grey axis, in radians: (B, 3, 3)."""
    turned = np.tile(np.eye(3), (len(turn), 1, 1))
    cos, sin = np.cos(turn), np.sin(turn)
    turned[:, 1:, 1:] = np.stack([cos, -sin, sin, cos], 1).reshape(-1, 2, 2)
    return np.where((turn == 0)[:, None, None], np.eye(3), np.linalg.inv(YIQ) @ turned @ YIQ)


def _on_cpu(pixels: np.ndarray, which: np.ndarray, size: int, change: Change) -> np.ndarray:
    out = np.empty((len(which), size, size, *pixels.shape[3:]), np.uint8)
    warps, corner = change.warps(), change.corner(pixels.shape[1], size)
    for i, j in enumerate(which):
        if warps[i]:
            out[i] = _warp(pixels[j], change.linear[i], change.shift[i], size)
            continue
        window = _window(pixels[j], corner[i, 0], corner[i, 1], size)
        if change.linear[i, 0, 0] > 0:
            out[i] = window
        elif pixels.ndim == 3:
            out[i] = window[:, ::-1]
        else:
            for c in range(3):  # a channel at a time is four times faster
                out[i, ..., c] = window[:, ::-1, c]
    if pixels.ndim == 3:
        return (_stroke(out, change.stroke, np) + 0.5).astype(np.uint8) if change.stroke.any() else out
    for i in np.flatnonzero(change.recolours()).tolist():
        mean = change.grey[i] * (out[i, ::4, ::4].mean((0, 1)) @ LUMA)
        matrix = np.column_stack([change.colour[i], np.full(3, mean)])
        out[i] = Image.fromarray(out[i]).convert("RGB", tuple(matrix.ravel()))
    return out


def _window(picture: np.ndarray, x: int, y: int, size: int) -> np.ndarray:
    """``size`` x ``size`` pixels from (x, y) on; outside, white for a sketch, the nearest for a photo."""
    side = len(picture)
    if min(x, y) >= 0 and max(x, y) + size <= side:
        return picture[y : y + size, x : x + size]
    xs, ys = np.arange(x, x + size), np.arange(y, y + size)
    window = picture.take(ys.clip(0, side - 1), 0).take(xs.clip(0, side - 1), 1)
    if picture.ndim == 2:
        window[(ys < 0) | (ys >= side)] = 255
        window[:, (xs < 0) | (xs >= side)] = 255
    return window


def _warp(picture: np.ndarray, linear: np.ndarray, shift: np.ndarray, size: int) -> np.ndarray:
    half = len(picture) / 2
    margin = 0
    if picture.ndim == 3:
        reach = float((abs(linear).sum(1) * size / 2 + abs(shift)).max())
        margin = max(0, math.ceil(reach - half))
        picture = _window(picture, -margin, -margin, len(picture) + 2 * margin)
    start = half + margin + shift - linear.sum(1) * size / 2
    matrix = (*linear[0], start[0], *linear[1], start[1])
    image = Image.fromarray(np.ascontiguousarray(picture))
    fill = 255 if picture.ndim == 2 else None
    return np.asarray(
        image.transform(
            (size, size), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR, fillcolor=fill
        )
    )


def _stroke(sketches: Any, amount: Any, xp: Any) -> Any:
    """Blend with the darkest (amount > 0) or the lightest of a 2 x 2 window. ``xp`` is numpy or torch."""
    following = [*range(1, sketches.shape[1]), sketches.shape[1] - 1]
    dark = xp.minimum(sketches, sketches[:, following])
    light = xp.maximum(sketches, sketches[:, following])
    amount = amount[:, None, None]
    other = xp.where(
        amount > 0, xp.minimum(dark, dark[:, :, following]), xp.maximum(light, light[:, :, following])
    )
    return sketches + abs(amount) * (1.0 * other - sketches)


def _on_device(pixels: "torch.Tensor", which: np.ndarray, size: int, change: Change) -> "torch.Tensor":
    import torch
    from torch.nn.functional import affine_grid, grid_sample

    def there(array: np.ndarray) -> torch.Tensor:
        kind = (
            torch.int64
            if array.dtype.kind == "i"
            else torch.float32
            if array.dtype.kind == "f"
            else torch.bool
        )
        return torch.as_tensor(array).to(pixels.device, kind)

    stored, sketch, warps = pixels.shape[1], pixels.ndim == 3, change.warps()
    steps = np.arange(size)
    mirrored = change.linear[:, 0, 0] < 0
    corner = change.corner(stored, size)
    xs = corner[:, :1] + np.where(mirrored[:, None], steps[::-1], steps)
    ys = corner[:, 1:] + steps
    inside = [(a >= 0) & (a < stored) for a in (xs, ys)]
    x, y = (there(a.clip(0, stored - 1)) for a in (xs, ys))
    out = pixels[there(which)[:, None, None], y[:, :, None], x[:, None, :]]
    if sketch and not (inside[0].all() and inside[1].all()):
        out[~(there(inside[1])[:, :, None] & there(inside[0])[:, None, :])] = 255
    if warps.any():
        theta = np.concatenate([change.linear * size / stored, 2 * change.shift[..., None] / stored], 2)[
            warps
        ]
        source = pixels[there(which[warps])].float()
        source = 255 - source[:, None] if sketch else source.permute(0, 3, 1, 2)
        grid = affine_grid(there(theta), [len(theta), source.shape[1], size, size], align_corners=False)
        warped = grid_sample(source, grid, padding_mode="zeros" if sketch else "border", align_corners=False)
        warped = 255 - warped[:, 0] if sketch else warped.permute(0, 2, 3, 1)
        out[there(np.flatnonzero(warps))] = warped.add(0.5).clamp(0, 255).to(torch.uint8)
    if sketch:
        return (
            (_stroke(out, there(change.stroke), torch) + 0.5).to(torch.uint8) if change.stroke.any() else out
        )
    some = np.flatnonzero(change.recolours())
    old = out[there(some)].float()
    mean = there(change.grey[some]) * (old[:, ::4, ::4].mean((1, 2)) @ there(LUMA))
    new = old @ there(change.colour[some]).mT[:, None] + mean[:, None, None, None]
    out[there(some)] = new.add(0.5).clamp(0, 255).to(torch.uint8)
    return out
