"""MA-SBIR: no pair in the category variant, original and converted features, words from either source."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sbirkit.data.sampling import Captioned, Items
from sbirkit.losses import image_text_contrast
from sbirkit.losses.modality import PHOTO, SKETCH
from sbirkit.models import MASBIR, MASBIRConfig, TextTable, backbone
from sbirkit.training import reach


@pytest.fixture
def masbir(tiny, bench):
    def make(**options):
        return tiny.system("masbir", bench.train_classes, **options)

    return make


@pytest.fixture(scope="module")
def clip():
    pytest.importorskip("open_clip", reason="needs the extra 'backbones'")
    return backbone("clip-tiny")


def parts(found):
    return {term: {name.split(".")[0] for name in names} for term, names in found.items()}


def test_each_term_moves_its_own_parts(tiny, bench, masbir):
    method = masbir()
    shared = {"backbone", "projection"}
    assert parts(reach(method, tiny.batch(method, bench), step=tiny.step())) == {
        "cross_modal": shared | {"scale"},
        "semantic": shared | {"table"},
        "discriminator": shared | {"table", "discriminator"},
        "reconstruction": shared | {"table"},
        "orthogonality": shared | {"table"},
    }


def test_the_text_tower_learns_unless_told_not_to(tiny, bench, clip):
    classes, found = bench.train_classes, {}
    for learns in (True, False):
        method = MASBIR(MASBIRConfig(train_text=learns), backbone=clip, classes=classes)
        found[learns] = reach(method, tiny.batch(method, bench, p=2, k=1), step=tiny.step())["cross_modal"]
    assert any(name.startswith("backbone.net.transformer") for name in found[True])
    assert all(name.startswith(("backbone.net.visual", "scale")) for name in found[False])
    assert "backbone.net.logit_scale" not in found[True]
    quick = MASBIR(backbone=clip, classes=classes).groups(0.01)
    assert [group["lr"] for group in quick] == [0.01, 0.05]
    assert sorted(tuple(p.shape) for p in quick[1]["params"]) == [(4,), (4, 128), (4, 128)]


def test_captions_are_read_and_a_missing_one_is_the_class(tiny, bench, clip):
    method = MASBIR(backbone=clip, classes=bench.train_classes)
    batch = tiny.batch(method, bench, p=2, k=1)
    own = tuple(f"a drawing of thing {i}" for i in range(len(batch.sketch)))
    batch = replace(batch, sketch_caption=own, photo_caption=("",) * len(batch.photo))
    told = [f"a photo of a {bench.train_classes[i].replace('_', ' ')}." for i in batch.y_photo]
    with torch.inference_mode():
        torch.testing.assert_close(method.read(batch), clip.encode_text([*own, *told]))
        plain = MASBIR(MASBIRConfig(captions="class"), backbone=clip, classes=bench.train_classes)
        torch.testing.assert_close(plain.read(batch)[len(own) :], clip.encode_text(told))
        torch.testing.assert_close(method.embed_text(["a cat"]), clip.encode_text(["a cat"]))


@torch.no_grad()
def test_only_sketches_are_converted_and_an_empty_table_changes_nothing(masbir):
    method = masbir(deviation=1.0)
    images = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)
    z = method.embed(images, "sketch")
    assert torch.equal(method.embed_converted(images, "photo"), method.embed(images, "photo"))
    table = method.table.weight
    want = F.normalize(F.normalize(z, dim=1) - table[SKETCH] + table[PHOTO], dim=1)
    torch.testing.assert_close(method.embed_converted(images, "sketch"), want)
    assert not torch.allclose(want, F.normalize(z, dim=1), atol=0.1)
    table.zero_()
    torch.testing.assert_close(method.embed_converted(images, "sketch"), F.normalize(z, dim=1))


def test_a_class_without_a_vector_takes_no_part(tiny, bench, masbir):
    method = masbir()
    batch = tiny.batch(method, bench)
    vectors = tiny.vectors(bench.train_classes)
    vectors[1] = torch.nan
    table = TextTable(bench.train_classes, vectors)
    holes = MASBIR(method.config, backbone=method.backbone, classes=bench.train_classes, text=table)
    holes.load_state_dict(method.state_dict() | {"text.vectors": holes.text.vectors})
    left = [np.flatnonzero(y.numpy() != 1) for y in (batch.y_sketch, batch.y_photo)]
    smaller = replace(
        batch, sketch=batch.sketch[left[0]], photo=batch.photo[left[1]],
        y_sketch=batch.y_sketch[left[0]], y_photo=batch.y_photo[left[1]],
    )  # fmt: skip
    got, want = holes.losses(batch, step=tiny.step()), method.losses(smaller, step=tiny.step())
    for term, value in want.items():
        torch.testing.assert_close(got[term], value)
    nothing = TextTable(["other"], torch.ones(1, 3))
    with pytest.raises(ValueError, match="text: none of the training classes has a vector"):
        MASBIR(backbone=tiny.Maps(), classes=bench.train_classes, text=nothing)
    with pytest.raises(ValueError, match="text: Maps reads no captions; give text=TextTable"):
        MASBIR(backbone=tiny.Maps(), classes=bench.train_classes)


def test_a_batch_of_unknown_words_alone_gives_zeros(tiny, bench, masbir):
    method = masbir()
    method.text.vectors[:] = torch.nan
    for value in method.losses(tiny.batch(method, bench), step=tiny.step()).values():
        value.backward(retain_graph=True)
        assert value == 0
    assert all(p.grad is None or p.grad.isfinite().all() for p in method.parameters())


def test_targets_are_classes_or_rows(tiny, bench, masbir):
    method = masbir()
    batch = tiny.batch(method, bench)
    z = method.projection(method.together((batch.sketch, batch.photo)))
    y = torch.cat([batch.y_sketch, batch.y_photo])
    for targets in ("label-aware", "diagonal"):
        got = masbir(targets=targets).losses(batch, step=tiny.step())["cross_modal"]
        words = tiny.vectors(bench.train_classes)[y]
        torch.testing.assert_close(got, image_text_contrast(z, words, y, scale=1 / 0.07, targets=targets))


def test_no_pair_is_looked_at_unless_it_is_the_fine_grained_variant(tiny, bench, masbir):
    method = masbir()
    sampler = method.sampler(Items.of(bench), p=4, k=2, seed=0)
    assert isinstance(sampler, Captioned)
    batch = tiny.batch(method, bench)
    torn = replace(batch, sketch_instance=batch.sketch_instance * 0, photo_instance=batch.photo_instance * 0)
    one, two = (method.losses(b, step=tiny.step()) for b in (batch, torn))
    assert all(torch.equal(one[t], two[t]) for t in one)
    fine = masbir(variant="fine-grained")
    batch = tiny.batch(fine, bench)
    assert torch.equal(batch.sketch_instance, batch.photo_instance)
    z = fine.embed(batch.photo, "photo"), fine.embed(batch.sketch, "sketch")
    want = image_text_contrast(*z, batch.photo_instance, scale=1 / 0.07, targets="label-aware")
    torch.testing.assert_close(fine.losses(batch, step=tiny.step())["cross_modal"], want)


def test_weights_are_divided_by_their_sum(tiny, masbir):
    weights = masbir(orthogonality=0.0).weights(tiny.step())
    want = {"cross_modal": 1, "semantic": 0.1, "discriminator": 0.1, "reconstruction": 0.02}
    want["orthogonality"] = 0
    assert weights == pytest.approx({term: w / 1.22 for term, w in want.items()})
