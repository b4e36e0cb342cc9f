"""FC-DenseNet in PyTorch, written from the paper and what its code settles, as an oracle."""

import torch
from torch import nn


def norm_relu_conv(inputs, outputs, kernel):
    """Batch norm, ReLU, convolution, in this order; no dropout."""
    return [
        nn.BatchNorm2d(inputs),
        nn.ReLU(),
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2),
    ]


class DenseBlock(nn.Module):
    """Each layer reads the concatenation of the input and of all results before it."""

    def __init__(self, inputs, growth, count):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(*norm_relu_conv(inputs + i * growth, growth, 3)) for i in range(count)
        )

    def forward(self, x):
        """Return the input and the results, as a list."""
        features = [x]
        for layer in self.layers:
            features.append(layer(torch.cat(features, dim=1)))
        return features


class TorchTiramisu(nn.Module):
    """Same modules, same names, as `minis.models.Tiramisu`; no dropout."""

    def __init__(self, in_channels, num_classes, growth, layers, first_channels):
        super().__init__()
        poolings = (len(layers) - 1) // 2
        self.first = nn.Conv2d(in_channels, first_channels, 3, padding=1)
        width, skips = first_channels, []
        self.down, self.transition_down = nn.ModuleList(), nn.ModuleList()
        for count in layers[:poolings]:
            self.down.append(DenseBlock(width, growth, count))
            width = width + count * growth
            skips.insert(0, width)
            self.transition_down.append(
                nn.Sequential(*norm_relu_conv(width, width, 1), nn.MaxPool2d(2))
            )
        self.lowest = DenseBlock(width, growth, layers[poolings])
        self.transition_up, self.up = nn.ModuleList(), nn.ModuleList()
        for i, skip in enumerate(skips):
            new = layers[poolings + i] * growth
            self.transition_up.append(nn.ConvTranspose2d(new, new, 3, stride=2, padding=0))
            self.up.append(DenseBlock(new + skip, growth, layers[poolings + i + 1]))
            width = new + skip + layers[poolings + i + 1] * growth
        self.head = nn.Conv2d(width, num_classes, 1)

    def forward(self, x):
        """Down with whole stacks; up with each block's results alone, but for the last."""
        x = self.first(x)
        skips = []
        for block, transition in zip(self.down, self.transition_down, strict=True):
            stack = torch.cat(block(x), dim=1)
            skips.append(stack)
            x = transition(stack)
        features = self.lowest(x)
        for transition, block in zip(self.transition_up, self.up, strict=True):
            skip = skips.pop()
            raised = transition(torch.cat(features[1:], dim=1))
            top, left = (
                (raised.shape[2] - skip.shape[2]) // 2,
                (raised.shape[3] - skip.shape[3]) // 2,
            )
            raised = raised[:, :, top : top + skip.shape[2], left : left + skip.shape[3]]
            features = block(torch.cat([raised, skip], dim=1))
        return self.head(torch.cat(features, dim=1))
