"""U-Net in PyTorch, written from the paper and from the usual padded variant, as an oracle."""

import torch
from torch import nn
from torch.nn import functional


def double_conv(inputs, outputs, padded, batch_norm):
    """Two 3×3 convolutions with ReLU; PyTorch's own layers."""
    layers = []
    for channels in (inputs, outputs):
        layers.append(nn.Conv2d(channels, outputs, 3, padding=int(padded), bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm2d(outputs))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)


class TorchUNet(nn.Module):
    """Same modules, same names, as `minis.models.UNet`; no dropout."""

    def __init__(self, in_channels, num_classes, width, levels, padded, batch_norm):
        super().__init__()
        self.padded = padded
        sizes = [width * 2**i for i in range(levels)]
        self.down = nn.ModuleList(
            double_conv(a, b, padded, batch_norm)
            for a, b in zip([in_channels, *sizes], sizes, strict=False)
        )
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * c, c, 2, stride=2) for c in sizes[-2::-1])
        self.merge = nn.ModuleList(double_conv(2 * c, c, padded, batch_norm) for c in sizes[-2::-1])
        self.head = nn.Conv2d(width, num_classes, 1)

    def forward(self, x):
        """Contract, expand, and join what has the same size."""
        skips = []
        for i, block in enumerate(self.down):
            x = block(x if i == 0 else functional.max_pool2d(x, 2))
            skips.append(x)
        x = skips.pop()
        for up, merge in zip(self.up, self.merge, strict=True):
            x, skip = up(x), skips.pop()
            dh, dw = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
            if self.padded:
                x = functional.pad(x, [dw // 2, dw - dw // 2, dh // 2, dh - dh // 2])
            else:
                top, left = dh // 2, dw // 2
                skip = skip[:, :, top : top + x.shape[2], left : left + x.shape[3]]
            x = merge(torch.cat([skip, x], dim=1))
        return self.head(x)
