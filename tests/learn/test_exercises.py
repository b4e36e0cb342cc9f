"""The exercises: solutions are right, stubs and hints come from them, slips are named."""

import importlib
import json

import numpy as np
import pytest

from minis import ops
from minis.learn.checking.examine import examine
from minis.learn.exercises import examination, slips
from minis.learn.exercises.accesses import counted
from minis.learn.exercises.exercise import Exercise
from minis.learn.exercises.ladder import LADDER, find
from minis.learn.exercises.progress import FILE, Progress, Standing, load
from minis.learn.exercises.solutions.bilinear_filter import bilinear_filter
from minis.learn.exercises.solutions.bilinear_sample import bilinear_sample
from minis.learn.exercises.solutions.col2im import col2im
from minis.learn.exercises.solutions.correlate import correlate
from minis.learn.exercises.solutions.im2col import im2col
from minis.learn.exercises.solutions.mean_iou import mean_iou
from minis.learn.exercises.solutions.output_size import output_size
from minis.learn.exercises.solutions.receptive_field import receptive_field
from minis.models.bilinear import bilinear_kernel
from minis.training import metrics

BARRIER = "    cuda.syncthreads()\n"


def names(exercise: Exercise) -> str:
    return exercise.name


def verdict_of(exercise, text, folder):
    """Examine a text as a learner's file."""
    file = folder / exercise.file
    file.write_text(text)
    return examination.examine_file(file, exercise)


@pytest.mark.parametrize("exercise", LADDER, ids=names)
def test_its_parts_come_from_the_solution(exercise: Exercise) -> None:
    compile(exercise.stub, exercise.file, "exec")
    compile(exercise.solution, exercise.file, "exec")
    assert "raise NotImplementedError" in exercise.stub
    assert f"{exercise.lines} line" in exercise.stub
    for text in (exercise.stub, exercise.solution):
        assert f"def {exercise.function}(" in text
        assert "hint" not in text
        assert "end of your turn" not in text
    written = [line for line in exercise.source.splitlines() if line not in exercise.stub]
    assert sum(line in exercise.solution for line in written) >= exercise.lines
    assert exercise.title
    assert len(exercise.statement) > 100
    assert exercise.hints
    assert all(len(hint) > 20 for hint in exercise.hints)
    for text in (exercise.stub, exercise.statement, *exercise.hints):
        assert max(map(len, text.splitlines())) <= 100 or text in exercise.hints


def test_names_are_unique_and_places_exist() -> None:
    assert len({exercise.name for exercise in LADDER}) == len(LADDER) >= 18
    root = importlib.import_module("minis").__path__[0]
    for exercise in LADDER:
        assert (examination.Path(root).parent / exercise.where).exists(), exercise.where
    chapters = [exercise.chapter for exercise in LADDER]
    assert chapters == sorted(chapters)


@pytest.mark.parametrize("exercise", [e for e in LADDER if not e.simulated], ids=names)
def test_the_solution_passes(exercise: Exercise) -> None:
    module = importlib.import_module(
        f"minis.learn.exercises.solutions.{exercise.file.removesuffix('.py')}"
    )
    verdict = examine(getattr(module, exercise.function), exercise.target(), examples=60)
    assert verdict.passed, verdict.failure


@pytest.mark.parametrize("exercise", [e for e in LADDER if e.simulated], ids=names)
def test_the_kernel_passes_in_the_simulator(exercise: Exercise, tmp_path) -> None:
    verdict = verdict_of(exercise, exercise.solution, tmp_path)
    assert verdict.passed, verdict.failure
    assert any("a thread reads" in held.text for held in verdict.held)


@pytest.mark.parametrize("name", ["output-size", "nms", "cuda-relu"])
def test_a_stub_is_told_from_a_mistake(name, tmp_path) -> None:
    exercise = find(name)
    failure = verdict_of(exercise, exercise.stub, tmp_path).failure
    assert failure is not None
    assert (failure.kind, failure.call) == ("stub", "")


@pytest.mark.parametrize(
    ("name", "slip"),
    [
        (name, slip)
        for name, known in (
            ("output-size", slips.OUTPUT_SIZE),
            ("correlate", slips.CORRELATE),
            ("im2col", slips.IM2COL),
            ("col2im", slips.COL2IM),
            ("bilinear-filter", slips.BILINEAR_FILTER),
            ("bilinear-sample", slips.BILINEAR_SAMPLE),
            ("one-hot", slips.ONE_HOT),
            ("mean-iou", slips.MEAN_IOU),
            ("numerical-gradient", slips.NUMERICAL_GRADIENT),
            ("receptive-field", slips.RECEPTIVE_FIELD),
        )
        for slip in known
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_each_slip_is_caught_and_named(name, slip) -> None:
    failure = examine(slip, find(name).target(), examples=100, seconds=2).failure
    assert failure is not None
    assert failure.cause_name == slip.__name__, failure


def test_a_kernel_without_its_barrier_is_told(tmp_path) -> None:
    exercise = find("cuda-conv-shared")
    assert BARRIER in exercise.solution
    failure = verdict_of(exercise, exercise.solution.replace(BARRIER, ""), tmp_path).failure
    assert failure is not None
    assert "syncthreads() missing" in failure.cause


def test_a_kernel_that_shares_nothing_is_told(tmp_path) -> None:
    naive = find("cuda-conv").solution
    failure = verdict_of(find("cuda-conv-shared"), naive, tmp_path).failure
    assert failure is not None
    assert failure.kind == "promise"
    assert "global reads are wanted" in failure.text


@pytest.mark.parametrize(
    "body", ["y[:] = np.maximum(x, 0)", "for i in range(x.size): y[i] = max(x[i], 0)"]
)
def test_a_kernel_whose_threads_each_do_everything_is_told(body, tmp_path) -> None:
    exercise = find("cuda-relu")
    text = exercise.stub.replace("raise NotImplementedError", body)
    failure = verdict_of(exercise, text, tmp_path).failure
    assert failure is not None
    assert "does every thread do the work of all" in failure.text


def test_a_number_that_no_thread_writes_shows(tmp_path) -> None:
    exercise = find("cuda-relu")
    text = exercise.solution.replace("if i < x.size:", "if i < x.size and x[i] > 0:")
    failure = verdict_of(exercise, text, tmp_path).failure
    assert failure is not None
    assert np.isnan(failure.got).any()


def test_a_file_without_the_function_or_with_an_error(tmp_path) -> None:
    exercise = find("nms")
    failure = verdict_of(exercise, "def other():\n    pass\n", tmp_path).failure
    assert failure is not None
    assert "no function nms" in failure.text
    failure = verdict_of(exercise, "def nms(:\n", tmp_path).failure
    assert failure is not None
    assert "in line 1" in failure.text


def test_accesses_are_counted() -> None:
    from minis.learn.exercises.solutions import cuda_conv, cuda_conv_shared

    x, w = np.zeros((6, 6), np.float32), np.zeros((3, 3), np.float32)
    with counted() as naive:
        cuda_conv.conv3x3(x, w)  # 4 × 4 outputs: one block
    assert (naive.threads, naive.global_reads, naive.global_writes) == (16, 16 * 18, 16)
    with counted() as shared:
        cuda_conv_shared.conv3x3(x, w)
    assert (shared.threads, shared.global_reads, shared.shared_writes) == (16, 36 + 9, 36 + 9)
    assert shared.shared_reads == 16 * 18
    assert "2.81 global" in str(shared)


# what the library has no operation for is proven here against what it has, and against PyTorch


def test_output_size_is_what_convolution_gives() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        kernel, stride, padding, dilation = (int(rng.integers(1, 5)) for _ in range(4))
        size = int(rng.integers(dilation * (kernel - 1) + 1, 20))
        options = {"stride": stride, "padding": padding, "dilation": dilation}
        y = ops.conv(np.zeros((1, 1, size)), np.zeros((1, 1, kernel)), **options)
        assert output_size(size, kernel, **options) == y.shape[2]


def test_columns_are_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    for kernel, stride, padding in (((2, 3), 1, 1), ((3, 3), 2, 0), ((1, 2), 3, 2)):
        x = rng.standard_normal((2, 3, 7, 6))
        expected = torch.nn.functional.unfold(
            torch.tensor(x), kernel, stride=stride, padding=padding
        )
        columns = im2col(x, kernel, stride, padding)
        np.testing.assert_array_equal(columns, expected)
        shares = rng.standard_normal(columns.shape)
        folded = torch.nn.functional.fold(
            torch.tensor(shares), (7, 6), kernel, stride=stride, padding=padding
        )
        np.testing.assert_allclose(col2im(shares, x.shape, kernel, stride, padding), folded)


def test_correlation_is_one_channel_of_convolution() -> None:
    rng = np.random.default_rng(2)
    x, w = rng.standard_normal((6, 5)), rng.standard_normal((3, 2))
    np.testing.assert_allclose(correlate(x, w), ops.conv(x[None, None], w[None, None])[0, 0])


@pytest.mark.parametrize("factor", range(1, 10))
def test_the_tent_is_fcns(factor) -> None:
    tent = bilinear_filter(factor)
    np.testing.assert_allclose(tent, bilinear_kernel(2 * factor - factor % 2))


def test_mean_iou_is_the_librarys() -> None:
    rng = np.random.default_rng(4)
    for _ in range(50):
        prediction, truth = rng.integers(0, 3, (2, 4, 5))
        truth[rng.random(truth.shape) < 0.2] = 255
        matrix = metrics.confusion_matrix(prediction, truth, 3, ignore_index=255)
        np.testing.assert_allclose(mean_iou(prediction, truth, 3), metrics.mean_iou(matrix))


def test_a_receptive_field_is_as_far_as_gradients_reach() -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        layers = [(int(k), int(s), int(d)) for k, s, d in rng.integers(1, 4, (3, 3))]
        filters = [np.ones((1, 1, kernel)) for kernel, _, _ in layers]
        shapes = [(1, 1, 200)]
        for w, (_, stride, dilation) in zip(filters, layers, strict=True):
            y = ops.conv(np.ones(shapes[-1]), w, stride=stride, dilation=dilation)
            shapes.append(y.shape)
        dy = np.zeros(shapes[-1])
        dy[0, 0, 0] = rng.uniform(1, 2)
        each = list(zip(filters, layers, shapes[:-1], strict=True))
        for w, (_, stride, dilation), shape in each[::-1]:
            dy = ops.conv_backward(dy, np.ones(shape), w, stride=stride, dilation=dilation)[0]
        reached = np.flatnonzero(dy)
        assert receptive_field(layers) == reached[-1] - reached[0] + 1


def test_a_sample_is_what_roi_align_reads() -> None:
    rng = np.random.default_rng(3)
    f = rng.standard_normal((4, 5))
    for y, x in rng.uniform(-2, 6, (300, 2)):
        box = np.array([[0.0, x - 0.5, y - 0.5, x - 0.5, y - 0.5]])  # taken to be a cell wide
        expected = ops.roi_align(f[None, None], box, 1, sampling_ratio=1)[0, 0, 0, 0]
        np.testing.assert_allclose(bilinear_sample(f, y, x), expected, atol=1e-12)


def test_progress_is_kept(tmp_path) -> None:
    progress = load(tmp_path)
    assert progress.following == "one-hot"
    progress.of("one-hot").solved = "2030-01-01"
    progress.of("one-hot").checks = 2
    progress.current = "one-hot"
    progress.save()
    again = load(tmp_path)
    assert again.of("one-hot") == Standing(solved="2030-01-01", checks=2)
    assert again.following == "mean-iou"
    assert str(again.of("one-hot")) == "solved, 2 checks"
    assert list(json.loads((tmp_path / FILE).read_text())["exercises"]) == ["one-hot"]


@pytest.mark.parametrize("text", ["", "[]", '{"form": 9}', '{"form": 1, "exercises": {"a": 1}}'])
def test_a_broken_file_of_progress_is_left_alone(text, tmp_path) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(ValueError, match="is not a file of progress"):
        load(tmp_path)
    assert (tmp_path / FILE).read_text() == text


def test_all_solved_leaves_nothing_to_follow(tmp_path) -> None:
    progress = Progress(tmp_path)
    for exercise in LADDER:
        progress.of(exercise.name).solved = "2030-01-01"
    assert progress.following == ""
