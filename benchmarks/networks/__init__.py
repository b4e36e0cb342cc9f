"""The model suite: each network once as minis has it and once in PyTorch, with equal weights."""

from .network import SemanticNetwork

UNET = {"in_channels": 1, "num_classes": 2, "width": 64, "levels": 5}

NETWORKS: tuple[SemanticNetwork, ...] = (
    SemanticNetwork(
        "unet",
        "U-Net, 64 wide, batch norm, 256²",
        quick=True,
        ours="minis.models.unet:UNet",
        theirs="tests.reference.unet:TorchUNet",
        options={**UNET, "padded": True, "batch_norm": True},
        x=(1, 1, 256, 256),
        y=(256, 256),
    ),
    SemanticNetwork(
        "unet-paper",
        "U-Net as published, 380²",
        ours="minis.models.unet:UNet",
        theirs="tests.reference.unet:TorchUNet",
        options={**UNET, "padded": False, "batch_norm": False},
        x=(1, 1, 380, 380),
        y=(196, 196),
    ),
)

__all__ = ["NETWORKS", "SemanticNetwork"]
