"""The atlas blends its marks by hand; here its pixels are those that Porter and Duff's *over* gives."""

import numpy as np
import pytest

from sbirkit.explore import AtlasState
from sbirkit.explore.alone import page

SPOTS = [(0.25, 0.25), (0.75, 0.25), (0.75, 0.25), (0.75, 0.75)]  # two photos lie on one another
SKETCH = (0.1, 0.9)
WRONG = [0, 0, 1, 1]
READ = """(spots) => {
  const c = document.querySelector("canvas"), g = c.getContext("2d"), at = (x) => Math.round(x * c.width);
  return spots.map(([x, y]) => [...g.getImageData(at(x), at(1 - y), 1, 1).data]);
}"""
STRAY = """([spots, far]) => {
  const c = document.querySelector("canvas"), { width: w, height: h } = c;
  const alpha = c.getContext("2d").getImageData(0, 0, w, h).data.filter((_, i) => i % 4 === 3);
  const from = (i, x, y) => Math.hypot((i % w) - x * w, Math.floor(i / w) - (1 - y) * h);
  const near = (i) => spots.some(([x, y]) => from(i, x, y) < far);
  return [alpha.filter((a, i) => a && !near(i)).length, alpha.filter((a) => a).length];
}"""


def over(front, back):
    r"""Of two colours with alpha: :math:`\alpha = \alpha_f + \alpha_b (1 - \alpha_f)`, weighed by alphas."""
    (*f, a), (*b, under) = front, back
    rest = under * (1 - a / 255)
    return [*((np.multiply(f, a) + np.multiply(b, rest)) / (a + rest)), a + rest]


@pytest.fixture
def atlas(bench, monkeypatch):
    """Four photos where :data:`SPOTS` has them, two of them wrong, and a sketch out of their way."""
    world = bench.catalogue
    rows = np.array([*world.photos[:4], world.sketches[0]])
    vectors = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    state = AtlasState([("a", vectors)], world, rows)
    state.colour_by("error")
    spots = np.empty((5, 2))
    spots[~state.is_sketch], spots[state.is_sketch] = SPOTS, SKETCH
    wrong = np.zeros(5, np.uint8)
    wrong[~state.is_sketch] = WRONG
    made = {"positions": [(spots * 65535).round().astype("<u2").tobytes()], "wrong": [wrong.tobytes()]}
    packed = state.cloud() | made
    monkeypatch.setattr(state, "cloud", lambda: packed)
    return state


@pytest.mark.parametrize("scale", [1, 2])
def test_marks_are_blended_in_order_and_nothing_else_is_painted(browser, atlas, scale):
    view = browser.new_page(device_scale_factor=scale)
    view.set_content(page(atlas))
    view.wait_for_selector("canvas")
    view.wait_for_function("() => new Promise((done) => requestAnimationFrame(() => done(true)))")
    seen = view.evaluate(READ, SPOTS)
    stray, painted = view.evaluate(STRAY, [[*SPOTS, SKETCH], 8 * scale])
    view.close()
    assert painted > 4 * 9
    assert not stray
    colours = atlas.cloud()["groups"]["error"]["colours"]
    right, wrong = ([*(int(c[k : k + 2], 16) for k in (1, 3, 5)), 0.85 * 255] for c in colours)
    both = over(wrong, right)
    for found, wanted in zip(seen, [right, both, both, wrong], strict=True):
        assert found == pytest.approx(wanted, abs=2)
