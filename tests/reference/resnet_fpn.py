"""ResNet and its feature pyramid in PyTorch, from the papers and torchvision's layout."""

import torch
from torch import nn
from torch.nn import functional

CONVOLUTIONS = {18: 2, 34: 2, 50: 3, 101: 3}  # in a block
BLOCKS = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3]}


class Frozen(nn.Module):
    """Batch norm in evaluation; its four arrays are buffers."""

    def __init__(self, channels, eps):
        super().__init__()
        self.eps = eps
        for name in ("weight", "bias", "running_mean", "running_var"):
            self.register_buffer(name, torch.rand(channels) + 0.5)

    def forward(self, x):
        """(x − mean)/√(var + eps)·weight + bias, in one pass over x."""
        statistics = self.running_mean, self.running_var
        return functional.batch_norm(x, *statistics, self.weight, self.bias, eps=self.eps)


def norm_of(kind, channels, eps):
    """One of the three norms, its scale and shift drawn at random."""
    if kind == "frozen":
        return Frozen(channels, eps)
    groups = max(g for g in (1, 2, 4, 8, 16, 32) if channels % g == 0)
    norm = (
        nn.GroupNorm(groups, channels, eps=eps)
        if kind == "group"
        else nn.BatchNorm2d(channels, eps=eps)
    )
    nn.init.uniform_(norm.weight, 0.5, 1.5)
    nn.init.uniform_(norm.bias, -0.5, 0.5)
    return norm


class Block(nn.Module):
    """A residual block of two or three convolutions."""

    def __init__(self, inputs, width, stride, kind, convolutions, eps):
        super().__init__()
        self.convolutions = convolutions
        outputs = width if convolutions == 2 else 4 * width
        if convolutions == 2:
            shapes = [(inputs, width, 3, stride), (width, width, 3, 1)]
        else:
            shapes = [(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)]
        for i, (a, b, size, step) in enumerate(shapes, start=1):
            setattr(self, f"conv{i}", nn.Conv2d(a, b, size, step, size // 2, bias=False))
            setattr(self, f"bn{i}", norm_of(kind, b, eps))
        self.downsample = None
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), norm_of(kind, outputs, eps)
            )

    def forward(self, x):
        """Add the branch to the shortcut."""
        y = x
        for i in range(1, self.convolutions + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            if i < self.convolutions:
                y = functional.relu(y)
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


class TorchResNet(nn.Module):
    """The four maps of a ResNet; with `classes`, torchvision's `fc` beside them, unused."""

    def __init__(self, depth, in_channels, width, kind, eps=1e-5, classes=0):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 7, 2, 3, bias=False)
        self.bn1 = norm_of(kind, width, eps)
        inputs, convolutions = width, CONVOLUTIONS[depth]
        self.channels = []
        for level, count in enumerate(BLOCKS[depth]):
            blocks = []
            for i in range(count):
                stride = 2 if level > 0 and i == 0 else 1
                blocks.append(Block(inputs, width << level, stride, kind, convolutions, eps))
                inputs = (width << level) * (1 if convolutions == 2 else 4)
            setattr(self, f"layer{level + 1}", nn.Sequential(*blocks))
            self.channels.append(inputs)
        if classes:
            self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        """C2 to C5."""
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.max_pool2d(x, 3, 2, 1)
        maps = []
        for level in range(1, 5):
            x = getattr(self, f"layer{level}")(x)
            maps.append(x)
        return maps


class TorchPyramid(nn.Module):
    """P2 to P6 from the body's maps."""

    def __init__(self, channels, out_channels):
        super().__init__()
        self.inner_blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(c, out_channels, 1)) for c in channels
        )
        self.layer_blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(out_channels, out_channels, 3, padding=1)) for _ in channels
        )

    def forward(self, maps):
        """From the coarsest map down."""
        top, pyramid = None, []
        for i in reversed(range(len(maps))):
            lateral = self.inner_blocks[i](maps[i])
            if top is not None:
                lateral = lateral + functional.interpolate(top, lateral.shape[-2:], mode="nearest")
            top = lateral
            pyramid = [self.layer_blocks[i](top), *pyramid]
        return [*pyramid, functional.max_pool2d(pyramid[-1], 1, 2, 0)]


class TorchBackbone(nn.Module):
    """Both, as torchvision names them."""

    def __init__(self, body, out_channels):
        super().__init__()
        self.body = body
        self.fpn = TorchPyramid(body.channels, out_channels)

    def forward(self, x):
        """P2 to P6 of an image."""
        return self.fpn(self.body(x))
