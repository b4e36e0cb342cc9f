"""Networks that find objects: what is compared, and that a wrong one is found out."""

from dataclasses import dataclass

import numpy as np
import pytest

import minis
from benchmarks import run, tables, worker
from benchmarks.comparison import compare
from benchmarks.networks import NETWORKS, DetectionNetwork, detection
from benchmarks.networks.matching import matched
from benchmarks.results import SideResult
from benchmarks.task import Work
from benchmarks.validation import Wrong, errors

from .imagined_gpu import imagined_gpu  # noqa: F401 - a fixture
from .in_process import InProcess
from .reports import report, row

OPTIONS = {
    "num_classes": 4,
    "depth": 18,
    "width": 8,
    "channels": 16,
    "anchor_sizes": (8, 16, 32, 64, 128),
    "min_size": 96,
    "max_size": 128,
    "proposals_train": 150,
    "proposals_test": 60,
    "detections_per_image": 12,
    "anchors_sampled": 48,
    "rois_sampled": 24,
    "fc_width": 32,
    "mask_width": 12,
}


@dataclass(frozen=True)
class Small(DetectionNetwork):
    """A network as large as the golden files' small one."""

    key: str = "small"
    label: str = "small"
    ours: str = "minis.models.mask_rcnn.mask_rcnn:MaskRCNN"
    theirs: str = "tests.reference.mask_rcnn:TorchMaskRCNN"
    images: tuple = ((64, 80), (64, 48))
    objects: int = 2


class MissesSome(Small):
    """PyTorch's side drops a quarter of what it found."""

    def build_torch(self):
        """Keep fewer."""
        model = super().build_torch()
        *thresholds, _ = model.roi_heads.selection
        model.roi_heads.selection = *thresholds, 9
        return model


class SamplesOthers(Small):
    """PyTorch's side learns from other proposals."""

    def build_torch(self):
        """Those at the end."""
        model = super().build_torch()
        model.roi_heads.draw = lambda labels, *_: (np.flatnonzero(labels > 0)[-3:], [0])
        return model


@pytest.fixture
def compared(monkeypatch, tmp_path):
    """Compare the NumPy text with PyTorch."""

    def compared(network, pass_):
        monkeypatch.setattr(worker, "find_task", lambda key: network)
        with minis.use("numpy"):
            sides = [InProcess(name) for name in ("numpy", "torch")]
            return compare(network, pass_, InProcess("numpy"), sides, 1, tmp_path, pause=0)

    return compared


@pytest.mark.parametrize("pass_", ["inference", "training"])
def test_both_sides_are_timed(compared, pass_):
    """They find the same and learn the same; the row says whose network stands against ours."""
    found = compared(Small(options=OPTIONS), pass_)
    for side in found.sides.values():
        assert not side.problem
        assert len(side.turns) == 1
        assert side.error <= 1e-3
    assert found.work.flops > 1e7
    note = "small: PyTorch is composed of PyTorch operations, without torchvision"
    assert tables.notes(found) == [note]


@pytest.mark.parametrize("pass_", ["inference", "training"])
@pytest.mark.usefixtures("imagined_gpu")
def test_detections_on_a_gpu(pass_, tmp_path):
    """Images, targets and samples live there; what comes back is the reference's."""
    task, found = Small(options=OPTIONS), []
    for name, dtype in (("numpy", np.float64), ("cupy", np.float32)):
        side = InProcess(name)
        prepared = side.context.run(task.prepare, name, pass_, dtype, tmp_path)
        found.append(prepared.results(side.context.run(prepared.run)))
    pair = prepared.align(found[1], found[0])
    assert max(errors(*pair, task.by_norm(pass_)).values()) <= task.limit(pass_, "cuda")


def test_missing_detections_are_not_timed(compared):
    """The other side still is."""
    sides = compared(MissesSome(options=OPTIONS), "inference").sides
    assert sides["torch"].problem.endswith("of 24 detections are others than the reference's")
    assert sides["torch"].turns == []
    assert len(sides["numpy"].turns) == 1


def test_other_samples_are_not_timed(compared):
    """The gradients tell."""
    sides = compared(SamplesOthers(options=OPTIONS), "training").sides
    assert sides["torch"].problem.startswith("wrong: the error of ")
    assert sides["torch"].turns == []


def test_a_step_changes_nothing_that_is_selected(tmp_path):
    """So that every turn has the same work."""
    with minis.use("numpy"):
        prepared = Small(options=OPTIONS).prepare("numpy", "training", np.float32, tmp_path)
        losses = [[float(v) for v in prepared.run().values()] for _ in range(4)]
    assert losses[0] == pytest.approx(losses[3], rel=1e-3)


def detections(count=100, seed=0):
    """Boxes all over an image, of three classes."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 100, (count, 2))
    return {
        "0/boxes": np.concatenate([corner, corner + 20], 1),
        "0/labels": rng.integers(1, 4, count),
        "0/scores": np.sort(rng.random(count))[::-1],
        "0/masks": rng.random((count, 1, 12, 12)),
    }


def taken(found, rows):
    """Some of the detections, in float32."""
    taken = {name: value[rows] for name, value in found.items()}
    return {n: v.astype(np.float32) if v.dtype.kind == "f" else v for n, v in taken.items()}


def test_order_does_not_count():
    """Nor do a few detections that are others; what is paired is compared."""
    reference = detections()
    rows = np.random.default_rng(1).permutation(100)
    mine, theirs = matched(taken(reference, rows), reference)
    assert len(mine["0/labels"]) == 100
    assert max(errors(mine, theirs).values()) < 1e-6
    mine, theirs = matched(taken(reference, rows[3:]), reference)
    assert len(mine["0/labels"]) == len(theirs["0/labels"]) == 97
    mine["0/scores"] = mine["0/scores"] + np.float32(0.1)
    assert errors(mine, theirs)["0/scores"] == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize(("name", "change"), [("boxes", 1), ("labels", 1), ("masks", 0.3)])
def test_others_are_no_partners(name, change):
    """A box elsewhere, another class, another mask: four in a hundred are too many."""
    reference = detections()
    found = taken(reference, np.arange(100))
    found[f"0/{name}"][:3] += np.array(change, found[f"0/{name}"].dtype)
    assert len(matched(found, reference)[0]["0/labels"]) == 97
    found[f"0/{name}"][3] += np.array(change, found[f"0/{name}"].dtype)
    with pytest.raises(Wrong, match="4 of 100 detections are others than the reference's"):
        matched(found, reference)


def test_nothing_found_is_no_comparison():
    """On either side."""
    reference, none = detections(), detections(0)
    with pytest.raises(Wrong, match="nothing to find"):
        matched(taken(none, slice(None)), none)
    for a, b in ((none, reference), (reference, none)):
        with pytest.raises(Wrong, match="100 of 100"):
            matched(taken(a, slice(None)), b)
    with pytest.raises(Wrong, match="returned 0/boxes; expected"):
        matched({"0/boxes": reference["0/boxes"]}, reference)


def test_torchvision_stands_against_ours_where_it_is(monkeypatch):
    """For the published network only; else it is PyTorch's operations."""
    networks = {n.key: n for n in NETWORKS if isinstance(n, DetectionNetwork)}
    assert set(networks) == {"mask-rcnn", "mask-rcnn-mini"}
    built = []
    monkeypatch.setattr(detection, "torchvision_ops", lambda: "there")
    monkeypatch.setattr(detection, "load", lambda path: lambda *given: built.append((path, *given)))
    networks["mask-rcnn"].build_torch()
    ((path, options, anchors, rois),) = built
    assert path.startswith("benchmarks.networks.torchvision_networks:")
    assert options == networks["mask-rcnn"].options
    assert (anchors, rois) == (detection.spread, detection.first)
    assert networks["mask-rcnn"].torch_note() == "torchvision's network"
    assert networks["mask-rcnn-mini"].torch_note().startswith("composed")
    monkeypatch.setattr(detection, "torchvision_ops", lambda: None)
    assert networks["mask-rcnn"].torch_note().startswith("composed")


@pytest.mark.skipif(detection.torchvision_ops() is None, reason="torchvision is not installed")
def test_torchvisions_network_is_the_reference(monkeypatch, tmp_path):
    """The same weights, samples and frozen layers: equal detections, losses and gradients."""
    task = next(n for n in NETWORKS if n.key == "mask-rcnn")
    for pass_ in task.passes:
        theirs = task.prepare("torch", pass_, np.float32, tmp_path)
        assert theirs.note == "torchvision's network"
        with monkeypatch.context() as without:
            without.setattr(detection, "torchvision_ops", lambda: None)
            reference = task.prepare("torch", pass_, np.float32, tmp_path)
        a, b = (dict(side.results(side.run())) for side in (theirs, reference))
        found = errors(*theirs.align(a, b), task.by_norm(pass_))
        assert max(found.values()) <= task.limit(pass_)


def test_inference_engines_are_left_out_with_the_reason():
    """No process is asked; the row says why, and has no times."""
    task, found = Small(options=OPTIONS), report(suite="models")
    found.theirs = ["torch", "onnxruntime"]
    assert run._left_out(task, "inference", found) == {"onnxruntime": task.left_out}
    line = row("small", "inference", [1], [2])
    line.work = Work(1e9, 0.0)
    line.sides["onnxruntime"] = SideResult(note=task.left_out)
    assert tables.notes(line) == [f"the small: onnxruntime is {task.left_out}"]
    assert "–" in tables.lines(found, line)[0]
    assert run._left_out(task, "training", found) == {}
    assert run._side_names(task, "training", found) == ["numba", "torch"]


def test_pytorch_on_a_gpu_needs_torchvision(monkeypatch):
    """The composed network has parts that stay on the CPU."""
    task, found = Small(options=OPTIONS), report(suite="models")
    found.ours, found.theirs = ["cupy"], ["torch-cuda"]
    for pass_ in task.passes:
        reason = run._left_out(task, pass_, found)["torch-cuda"]
        assert reason.startswith("left out: torchvision has no such network")
    monkeypatch.setattr(Small, "uses_torchvision", lambda self: True)
    assert run._left_out(task, "training", found) == {}
