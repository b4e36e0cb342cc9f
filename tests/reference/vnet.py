"""V-Net in PyTorch, written from the paper and the authors' network definition, as an oracle."""

import torch
from torch import nn
from torch.nn import functional

STAGES = {  # convolutions a level, from the top down and back up, as (down, up)
    "code": ([1, 1, 2, 3, 3], [3, 2, 1, 1]),
    "figure": ([1, 2, 3, 3, 3], [3, 3, 2, 1]),
}


class Stage(nn.Module):
    """Convolutions, and a residual of what entered."""

    def __init__(self, inputs, outputs, depth, kernel, batch_norm, make_act):
        super().__init__()
        parts = []
        for i in range(depth):
            if i:
                parts.append(make_act(outputs))
            parts.append(
                nn.Conv3d(
                    outputs if i else inputs,
                    outputs,
                    kernel,
                    padding="same",
                    bias=not batch_norm,
                )
            )
            if batch_norm:
                parts.append(nn.BatchNorm3d(outputs))
        self.layers = nn.Sequential(*parts)
        self.act = make_act(outputs)

    def forward(self, x):
        """Add the input, as often as it takes, before the last activation."""
        y = self.layers(x)
        return self.act(y + x.repeat(1, y.shape[1] // x.shape[1], 1, 1, 1))


class TorchVNet(nn.Module):
    """Same modules, same names, as `minis.models.VNet`."""

    def __init__(
        self,
        in_channels,
        num_classes,
        schedule="code",
        width=16,
        levels=5,
        activation="prelu",
        batch_norm=False,
        kernel_size=5,
        any_size=False,
    ):
        super().__init__()
        self.multiple = 2 ** (levels - 1)
        self.any_size = any_size

        def make_act(channels):
            return nn.PReLU(channels) if activation == "prelu" else nn.ELU()

        def resample(kind, inputs, outputs):
            parts = [kind(inputs, outputs, 2, stride=2, bias=not batch_norm)]
            if batch_norm:
                parts.append(nn.BatchNorm3d(outputs))
            return nn.Sequential(*parts, make_act(outputs))

        down, up = STAGES[schedule]
        options = (kernel_size, batch_norm, make_act)
        self.down, self.reduce = nn.ModuleList(), nn.ModuleList()
        for level in range(levels):
            c = width << level
            if level:
                self.reduce.append(resample(nn.Conv3d, c // 2, c))
            self.down.append(Stage(c if level else in_channels, c, down[level], *options))
        self.expand, self.up = nn.ModuleList(), nn.ModuleList()
        for level in range(levels - 2, -1, -1):
            both = width << (level + 1)
            below = both if level == levels - 2 else 2 * both
            self.expand.append(resample(nn.ConvTranspose3d, below, both // 2))
            self.up.append(Stage(both, both, up[3 - level], *options))
        parts = [
            nn.Conv3d(
                2 * width if levels > 1 else width,
                num_classes,
                kernel_size,
                padding="same",
                bias=not batch_norm,
            )
        ]
        if batch_norm:
            parts.append(nn.BatchNorm3d(num_classes))
        self.head = nn.Sequential(
            *parts, make_act(num_classes), nn.Conv3d(num_classes, num_classes, 1)
        )

    def forward(self, x):
        """Contract, expand, join; volumes that don't fit are padded about their centre."""
        m = self.multiple
        extra = [max(-s % m, 2 * m - s) if self.any_size else 0 for s in x.shape[2:]]
        sides = [(e // 2, e - e // 2) for e in extra]
        whole = x.shape[2:]
        x = functional.pad(x, [p for pair in reversed(sides) for p in pair])
        kept = [self.down[0](x)]
        for reduce, stage in zip(self.reduce, self.down[1:], strict=True):
            kept.append(stage(reduce(kept[-1])))
        x = kept.pop()
        for expand, stage in zip(self.expand, self.up, strict=True):
            x = stage(torch.cat((expand(x), kept.pop()), dim=1))
        x = self.head(x)
        for axis, (pair, length) in enumerate(zip(sides, whole, strict=True), start=2):
            x = x.narrow(axis, pair[0], length)
        return x
