"""FCN in PyTorch, from the paper and its published layers and crops, as an oracle.

Also torchvision's VGG-16 and AlexNet as far as their state dicts go, of any width.
"""

import torch
from torch import nn

# variant: kernel, stride and the published crop of each upsampling, in the order they run
DECODERS = {
    "32s": [("upscore", 64, 32, 19)],
    "16s": [("upscore2", 4, 2, 5), ("upscore16", 32, 16, 27)],
    "8s": [("upscore2", 4, 2, 5), ("upscore_pool4", 4, 2, 9), ("upscore8", 16, 8, 31)],
}
ALEXNET_DECODER = [("upscore", 63, 32, 18)]


def vgg16_layers(inputs, width, first_padding, batch_norm=False, ceil_mode=True):
    """Thirteen 3×3 convolutions and five pools."""
    layers = []
    for multiple in (1, 1, "M", 2, 2, "M", 4, 4, 4, "M", 8, 8, 8, "M", 8, 8, 8, "M"):
        if multiple == "M":
            layers.append(nn.MaxPool2d(2, 2, ceil_mode=ceil_mode))
            continue
        padding = 1 if layers else first_padding
        layers.append(nn.Conv2d(inputs, multiple * width, 3, padding=padding))
        inputs = multiple * width
        layers += [nn.BatchNorm2d(inputs), nn.ReLU()] if batch_norm else [nn.ReLU()]
    return layers


def alexnet_layers(inputs, width):
    """Caffe's AlexNet: ReLU, pool, then response normalisation; two groups."""
    b, c = width * 256 // 96, width * 4
    return [
        *(nn.Conv2d(inputs, width, 11, 4, padding=100), nn.ReLU()),
        *(nn.MaxPool2d(3, 2, ceil_mode=True), nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0)),
        *(nn.Conv2d(width, b, 5, padding=2, groups=2), nn.ReLU()),
        *(nn.MaxPool2d(3, 2, ceil_mode=True), nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0)),
        *(nn.Conv2d(b, c, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(c, c, 3, padding=1, groups=2), nn.ReLU()),
        *(nn.Conv2d(c, b, 3, padding=1, groups=2), nn.ReLU()),
        nn.MaxPool2d(3, 2, ceil_mode=True),
    ]


def torchvision_alexnet_layers(inputs, width, first_padding):
    """torchvision's AlexNet: one tower."""
    return [
        *(nn.Conv2d(inputs, width, 11, 4, padding=first_padding), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(width, 3 * width, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(3 * width, 6 * width, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(6 * width, 4 * width, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(4 * width, 4 * width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2)),
    ]


def bilinear(channels, kernel, stride, padding=0):
    """Fixed bilinear upsampling of each channel."""
    layer = nn.ConvTranspose2d(channels, channels, kernel, stride, padding, bias=False)
    distance = (torch.arange(kernel) - (kernel - 1) / 2).abs()
    tent = 1 - distance / ((kernel + 1) // 2)
    layer.weight.requires_grad_(False).zero_()
    for c in range(channels):
        layer.weight[c, c] = torch.outer(tent, tent)
    return layer


class TorchFCN(nn.Module):
    """Same parameters, same names, as `minis.models.FCN`; no dropout; random score layers."""

    def __init__(self, inputs, classes, variant, backbone, width, fc_width):
        super().__init__()
        self.at_once = variant == "8s-at-once"
        if backbone == "vgg16":
            layers, channels, kernel = vgg16_layers(inputs, width, 100), 8 * width, 7
        elif backbone == "alexnet":
            layers, channels, kernel = alexnet_layers(inputs, width), width * 256 // 96, 6
        else:
            layers = torchvision_alexnet_layers(inputs, width, 100)
            channels, kernel = 4 * width, 6
        self.decoder = DECODERS[variant[:2] if self.at_once else variant]
        if backbone != "vgg16":
            self.decoder = ALEXNET_DECODER
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            *(nn.Conv2d(channels, fc_width, kernel), nn.ReLU(), nn.Identity()),
            *(nn.Conv2d(fc_width, fc_width, 1), nn.ReLU(), nn.Identity()),
        )
        self.score_fr = nn.Conv2d(fc_width, classes, 1)
        if len(self.decoder) > 1:
            self.score_pool4 = nn.Conv2d(8 * width, classes, 1)
        if len(self.decoder) > 2:
            self.score_pool3 = nn.Conv2d(4 * width, classes, 1)
        for name, size, stride, _ in self.decoder:
            setattr(self, name, bilinear(classes, size, stride))
        he_initialise(self)

    def forward(self, x):
        """Scores, upsampled; on the way, scores of earlier pools cropped and added."""
        h, w = x.shape[2:]
        pools = []
        for layer in self.features:
            x = layer(x)
            if isinstance(layer, nn.MaxPool2d):
                pools.append(x)
        x = self.score_fr(self.classifier(x))
        for name, _, _, crop in self.decoder[:-1]:
            x = getattr(self, name)(x)
            if name == "upscore2":
                skip = self.score_pool4(pools[3] * 0.01 if self.at_once else pools[3])
            else:
                skip = self.score_pool3(pools[2] * 0.0001 if self.at_once else pools[2])
            x = x + skip[:, :, crop : crop + x.shape[2], crop : crop + x.shape[3]]
        name, _, _, crop = self.decoder[-1]
        return getattr(self, name)(x)[:, :, crop : crop + h, crop : crop + w]


class TorchMini(nn.Module):
    """FCN-8s with batch norm and every convolution padded to keep its map's size."""

    def __init__(self, inputs, classes, width, fc_width):
        super().__init__()
        self.features = nn.Sequential(*vgg16_layers(inputs, width, 1, batch_norm=True))
        self.classifier = nn.Sequential(
            *(nn.Conv2d(8 * width, fc_width, 3, padding=1), nn.ReLU(), nn.Identity()),
            *(nn.Conv2d(fc_width, fc_width, 1), nn.ReLU(), nn.Identity()),
        )
        self.score_fr = nn.Conv2d(fc_width, classes, 1)
        self.score_pool4 = nn.Conv2d(8 * width, classes, 1)
        self.score_pool3 = nn.Conv2d(4 * width, classes, 1)
        # the padding of these trims what lies outside the map before it was halved
        self.upscore2 = bilinear(classes, 4, 2, padding=1)
        self.upscore_pool4 = bilinear(classes, 4, 2, padding=1)
        self.upscore8 = bilinear(classes, 16, 8, padding=4)
        he_initialise(self)

    def forward(self, x):
        """Each upsampled map may be a row longer than the skip, whose side was odd."""
        size = x.shape[2:]
        pools = []
        for layer in self.features:
            x = layer(x)
            if isinstance(layer, nn.MaxPool2d):
                pools.append(x)
        x = self.upscore2(self.score_fr(self.classifier(x)))
        skip = self.score_pool4(pools[3])
        x = self.upscore_pool4(x[:, :, : skip.shape[2], : skip.shape[3]] + skip)
        skip = self.score_pool3(pools[2])
        x = self.upscore8(x[:, :, : skip.shape[2], : skip.shape[3]] + skip)
        return x[:, :, : size[0], : size[1]]


def he_initialise(module):
    """Give every learned convolution weights under which signals keep their size."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.uniform_(layer.bias, -0.1, 0.1)


class TorchvisionClassifier(nn.Module):
    """torchvision's `vgg16`, `vgg16_bn` or `alexnet`: names and shapes, at any width."""

    def __init__(self, network, width, fc_width):
        super().__init__()
        inner = [nn.Linear(fc_width, fc_width), nn.ReLU()]
        last = nn.Linear(fc_width, 1000)
        if network == "alexnet":
            self.features = nn.Sequential(*torchvision_alexnet_layers(3, width, 2))
            first = nn.Linear(4 * width * 36, fc_width)
            layers = [nn.Dropout(), first, nn.ReLU(), nn.Dropout(), *inner, last]
        else:
            batch_norm = network == "vgg16_bn"
            self.features = nn.Sequential(*vgg16_layers(3, width, 1, batch_norm, ceil_mode=False))
            first = nn.Linear(8 * width * 49, fc_width)
            layers = [first, nn.ReLU(), nn.Dropout(), *inner, nn.Dropout(), last]
        self.classifier = nn.Sequential(*layers)
