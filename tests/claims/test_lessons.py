"""What the ablation notebooks show, and their exercises."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from sbirkit.claims import exercises, lessons
from sbirkit.claims.measures import joint_separation, modality_probe
from sbirkit.losses import CategoryMemory

FOLDER = Path(__file__).parents[2] / "notebooks"


def solutions():
    """Every hidden solution of notebooks 09 to 12, by the name of its check."""
    for path in sorted([*FOLDER.glob("09_*"), *FOLDER.glob("1[012]_ablating*")]):
        for cell in json.loads(path.read_text())["cells"]:
            if "solution" in cell["metadata"].get("tags", []):
                source = "".join(cell["source"])
                yield pytest.param(source, id=re.search(r"exercises\.(\w+)", source)[1])


@pytest.mark.parametrize("source", list(solutions()))
def test_solutions_pass_their_checks(source, capsys):
    exec(source, {"exercises": exercises})
    assert "✓ right" in capsys.readouterr().out


def test_every_check_has_a_solution():
    checks = {name for name in vars(exercises) if name.startswith("check_")}
    assert {param.id for param in solutions()} == checks


@pytest.mark.parametrize("check", [v for k, v in vars(exercises).items() if k.startswith("check_")])
def test_untouched_is_not_wrong(check, capsys):
    check(lambda *_: None)
    assert "not attempted" in capsys.readouterr().out


MISTAKES = {
    "divide the squares": (
        exercises.check_paired,
        lambda a, b: (np.mean(np.subtract(a, b)),
                      {3: 4.302653, 5: 2.776445}[len(a)] * np.std(np.subtract(a, b)) / len(a) ** 0.5),
    ),
    "near in both": (exercises.check_torn, lambda s, p: (s | p).mean()),
    "leave the diagonals out": (exercises.check_mmd, lambda a, b, c: a.mean() + b.mean() - 2 * c.mean()),
    "divides by n": (exercises.check_variance, lambda x: x.var(0).sum()),
    "one mean for all": (
        exercises.check_centred,
        lambda x, s: (x - x.mean(0)) / np.linalg.norm(x - x.mean(0), axis=1, keepdims=True),
    ),
    "Bonferroni": (exercises.check_correction, lambda p, level: p <= level / len(p)),
    "those are bits": (
        exercises.check_readable,
        lambda s, r: -(s * np.log2(s)).sum() + np.log2(r).mean(),
    ),
    "rank them first": (exercises.check_order, lambda a, b: np.corrcoef(a, b)[0, 1]),
}  # fmt: skip


@pytest.mark.parametrize("hint", MISTAKES)
def test_hints_name_the_missing_idea(hint):
    check, mistake = MISTAKES[hint]
    with pytest.raises(AssertionError, match=hint):
        check(mistake)


def test_clouds_have_the_gap_they_are_given():
    for gap, low, high in ((0.0, 0.3, 0.7), (2.0, 0.99, 1.0)):
        x, y, sketch = (t.numpy() for t in lessons.two_clouds(each=20, gap=gap, noise=0.2))
        assert low <= modality_probe(x, y, sketch) <= high
        assert sketch.sum() == len(x) / 2
        assert (np.bincount(y) == 40).all()


def test_settling_ends_at_a_minimum_on_the_sphere():
    goal = torch.tensor([0.6, 0.8], dtype=torch.float64)
    end = lessons.settle(
        lambda x: (x - goal).square().sum(), torch.tensor([[1.0, 0.0], [3.0, 4.1]]), steps=200
    )
    torch.testing.assert_close(end, goal.expand(2, 2), atol=1e-4, rtol=0)


def test_a_bottleneck_forgets_the_modality_before_the_class():
    free, tight, choked = (lessons.squeezed(weight) for weight in (0.0, 0.1, 1.0))
    assert tight["modality"] < free["modality"] - 0.1
    assert tight["class"] > 0.8 * free["class"]
    assert choked["class"] < 0.8 * tight["class"]


def test_a_plane_says_what_it_shows_and_that_nothing_is_there():
    figure = lessons.plane({"a<b": (0.2, 1.0), "c": (0.1, 0.9)}, cap=math.log(4))
    assert "a<b: modality 0.20, class 1.00; c: modality 0.10, class 0.90" in figure.alt
    assert "a&lt;b" in figure._repr_html_()
    assert "No runs yet" in lessons.plane({}, cap=1.0).alt


def test_circles_are_drawn_for_each_panel():
    x, y, sketch = lessons.two_clouds(classes=3, each=4, dim=2)
    assert joint_separation(x.numpy(), y.numpy(), sketch.numpy()).torn >= 0
    figure = lessons.circles({"before": x, "after": -x}, y, sketch)
    assert [ax.get_title() for ax in figure.axes] == ["before", "after"]
    assert "3 classes on a circle: before, after" in figure.alt


def test_the_released_memory_has_no_gradient_and_the_intended_one_has():
    made = torch.Generator().manual_seed(0)
    s, p, y = torch.randn(8, 4, generator=made), torch.randn(8, 4, generator=made), torch.arange(8) % 4
    for gradient in ("intended", "released"):
        memory = CategoryMemory(4, 4, slots=4, gradient=gradient)
        memory.remember(s, y, p, y)
        assert memory(p.clone().requires_grad_(), y).requires_grad == (gradient == "intended")
