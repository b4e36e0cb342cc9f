"""SegNet in PyTorch, written from the paper and the authors' Caffe files, as an oracle."""

from itertools import pairwise

from torch import nn
from torch.nn import functional

# of the maps behind each convolution, level by level: VGG-16
VGG16 = [[64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512, 512, 512]]


class TorchSegNet(nn.Module):
    """Same modules, same names, as `minis.models.SegNet`."""

    def __init__(self, in_channels, num_classes, levels):
        super().__init__()
        encoder, decoder = [], []
        last = in_channels
        for level in levels:
            convolutions = list(pairwise([last, *level]))
            last = level[-1]
            encoder.append(convolutions)
            # the mirror swaps what goes in and what comes out, and reverses the order
            decoder.insert(0, [(b, a) for a, b in reversed(convolutions)])
        first_level = decoder[-1]
        first_level[-1] = (first_level[-1][0], num_classes)
        self.encoder = nn.ModuleList(self.convolutions(level) for level in encoder)
        self.decoder = nn.ModuleList(self.convolutions(level) for level in decoder)
        self.decoder[-1] = self.decoder[-1][:-2]  # the logits are not normalised

    def convolutions(self, channels):
        """3×3 convolutions with biases, each with batch norm and ReLU behind it."""
        layers = []
        for inputs, outputs in channels:
            layers.append(nn.Conv2d(inputs, outputs, 3, padding=1))
            layers.append(nn.BatchNorm2d(outputs))
            layers.append(nn.ReLU())
        return nn.Sequential(*layers)

    def forward(self, x):
        """Pool with indices, and unpool with them."""
        memory = []
        for block in self.encoder:
            x = block(x)
            pooled, indices = functional.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
            memory.append((indices, x.shape[2:]))
            x = pooled
        for block, (indices, size) in zip(self.decoder, reversed(memory), strict=True):
            x = block(functional.max_unpool2d(x, indices, 2, output_size=size))
        return x
