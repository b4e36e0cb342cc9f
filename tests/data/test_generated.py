"""Generated scenes: exact, the same whatever order they are asked in, of any size."""

import numpy as np
import pytest

from minis.data import DATASETS, IGNORE, Cells, Ellipsoids, Shapes, Streets, load

KINDS = [Shapes, Cells, Streets, Ellipsoids]
SMALLEST = {Shapes: (16, 16), Cells: (16, 16), Streets: (32, 32), Ellipsoids: (4, 8, 8)}


def equal(a, b):
    same_instances = np.array_equal(a.instances, b.instances)
    return (
        np.array_equal(a.image, b.image) and np.array_equal(a.labels, b.labels) and same_instances
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_scene_is_a_function_of_seed_and_index(kind):
    forwards, backwards = kind(5, seed=3), kind(9, seed=3)
    late = [backwards[i] for i in (4, 2, 0)]
    early = [forwards[i] for i in (0, 2, 4)]
    assert all(equal(a, b) for a, b in zip(early, reversed(late), strict=True))
    assert not equal(forwards[0], forwards[1])
    assert not equal(forwards[0], kind(5, seed=4)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_form_of_a_scene(kind):
    scenes = kind(6, seed=1)
    for scene in scenes:
        assert scene.image.shape == (scenes.in_channels, *scenes.size)
        assert scene.image.min() >= 0
        assert scene.image.max() <= 1
        assert scene.labels[scene.labels != IGNORE].max() < scenes.num_classes
        numbers = np.unique(scene.instances)
        assert numbers.tolist() == list(range(len(numbers)))  # 0…M without gaps
        for number in numbers[1:]:  # an object has one class, and none is background
            (label,) = np.unique(scene.labels[scene.instances == number])
            assert label != IGNORE
            assert label > 0


@pytest.mark.parametrize("kind", KINDS)
def test_every_class_occurs_somewhere(kind):
    scenes = kind(12, seed=0)
    found = set().union(*(np.unique(scene.labels).tolist() for scene in scenes))
    assert found - {IGNORE} == set(range(scenes.num_classes))
    assert (IGNORE in found) == (kind is Streets)


@pytest.mark.parametrize("kind", [Shapes, Cells, Ellipsoids])
def test_what_is_no_object_is_background(kind):
    for scene in kind(3, seed=2):
        assert ((scene.instances > 0) == (scene.labels > 0)).all()


def test_objects_of_streets_are_the_cars_and_persons():
    for scene in Streets(5):
        assert ((scene.instances > 0) == np.isin(scene.labels, [5, 6])).all()


@pytest.mark.parametrize("kind", KINDS)
def test_sizes_from_the_smallest_on(kind):
    odd = tuple(2 * n + 3 + i for i, n in enumerate(SMALLEST[kind]))
    for size in (SMALLEST[kind], odd):
        for scene in kind(4, size=size):
            assert scene.size == size
    small = tuple(n - 1 for n in SMALLEST[kind])
    with pytest.raises(ValueError, match=kind.__name__ + ".*expected at least"):
        kind(4, size=small)
    with pytest.raises(ValueError, match="length=-1"):
        kind(-1)


def test_most_cells_touch_another_even_where_there_are_few():
    field = Cells(1, size=(256, 256), density=0.1)[0].instances
    touching = set()
    for one, other in ((field[:, 1:], field[:, :-1]), (field[1:], field[:-1])):
        border = (one != other) & (one > 0) & (other > 0)
        touching |= {*one[border].tolist(), *other[border].tolist()}
    assert len(touching) > 0.6 * field.max()


def test_two_cells_share_their_overlap_evenly(monkeypatch):
    monkeypatch.setattr(Cells, "_centres", lambda self, rng: [(24.0, 17.0), (24.0, 31.0)])
    fields = Cells(150, size=(48, 48), radius=10)
    areas = np.sum([np.bincount(field.instances.flat) for field in fields], axis=0)
    assert areas[2] / areas[1] == pytest.approx(1, abs=0.1)  # the later one covers nothing


def test_cells_cover_about_what_density_says():
    covered = np.mean([scene.labels.mean() for scene in Cells(8, density=0.3)])
    assert 0.2 < covered < 0.33


def test_ellipsoids_are_round_in_millimetres():
    def extent(spacing):
        scenes = Ellipsoids(20, size=(48, 48, 48), spacing=spacing, count=(1, 1))
        sizes = [np.ptp(np.nonzero(scene.labels), axis=1) + 1 for scene in scenes]
        return np.mean(sizes, axis=0)

    d, h, w = extent((2.0, 1.0, 1.0))
    assert 0.4 < d / h < 0.65
    assert 0.8 < h / w < 1.25
    assert Ellipsoids(1)[0].spacing == (2.5, 1.0, 1.0)


def test_a_sphere_has_the_volume_of_a_sphere():
    place = np.stack(np.meshgrid(*[np.arange(40.0)] * 3, indexing="ij"))
    radii = np.full(3, 12.0)
    inside = Ellipsoids._inside(
        place, np.array([20.3, 19.6, 20.1]), radii, np.random.default_rng(0)
    )
    assert inside.sum() == pytest.approx(4 / 3 * np.pi * 12**3, rel=0.01)


@pytest.mark.parametrize("name", DATASETS)
def test_load_gives_two_parts_of_one_kind(name):
    train, test = load(name)
    assert train.classes == test.classes
    assert train.in_channels == test.in_channels == train[0].image.shape[0]
    assert train[0].labels.max() < train.num_classes or name == "streets"
    assert not np.array_equal(train[0].image, test[0].image)


def test_load_passes_options_on_and_knows_its_names():
    train, test = load("cells", train=3, test=2, size=(32, 40), seed=5)
    assert (len(train), len(test), train[0].size) == (3, 2, (32, 40))
    assert train.seed != test.seed
    known = "no data set 'cats'; there are nuclei, digits, digits-apart, brain"
    with pytest.raises(ValueError, match=known):
        load("cats")
