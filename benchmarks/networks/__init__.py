"""The model suite: each network once as minis has it and once in PyTorch, with equal weights."""

from .detection import DetectionNetwork
from .network import TRAINING, Network
from .semantic import SemanticNetwork

UNET = {"in_channels": 1, "num_classes": 2, "width": 64, "levels": 5}
SMALL_DETECTOR = {  # as large as `MaskRCNN.mini`, but with torchvision's conventions
    "num_classes": 11,
    "depth": 18,
    "width": 16,
    "norm": "group",
    "trainable_layers": 5,
    "channels": 32,
    "anchor_sizes": (16, 32, 64, 128, 256),
    "min_size": 128,
    "max_size": 192,
    "proposals_train": 200,
    "proposals_test": 100,
    "anchors_sampled": 64,
    "rois_sampled": 64,
    "fc_width": 128,
    "mask_width": 32,
}

NETWORKS: tuple[Network, ...] = (
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
    SemanticNetwork(
        "fcn",
        "FCN-8s, VGG-16, 21 classes, 256²",
        ours="minis.models.fcn:FCN",
        theirs="tests.reference.fcn:TorchFCN",
        options={"in_channels": 3, "num_classes": 21, "variant": "8s", "dropout": 0.0},
        their_options={
            "inputs": 3,
            "classes": 21,
            "variant": "8s",
            "backbone": "vgg16",
            "width": 64,
            "fc_width": 4096,
        },
        x=(1, 3, 256, 256),
        y=(256, 256),
        exact_gradient=0.1,  # thirteen ReLUs and no batch norm: PyTorch's is 0.06
    ),
    SemanticNetwork(
        "segnet",
        "SegNet, 11 classes, 224²",
        ours="minis.models.segnet:SegNet",
        theirs="tests.reference.segnet:TorchSegNet",
        options={"in_channels": 3, "num_classes": 11},
        their_options={
            "in_channels": 3,
            "num_classes": 11,
            "levels": ((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3),
        },
        x=(1, 3, 224, 224),
        y=(224, 224),
        # of two values that float32 can't tell apart the other one is the maximum, and unpooling
        # puts it elsewhere: OpenVINO's logits are 0.03 off, PyTorch's gradients 0.25
        exact=0.01,
        exact_gradient=0.2,
    ),
    SemanticNetwork(
        "tiramisu",
        "Tiramisu-56, 11 classes, 224²",
        ours="minis.models.tiramisu:Tiramisu",
        theirs="tests.reference.tiramisu:TorchTiramisu",
        options={"in_channels": 3, "num_classes": 11, "variant": 56, "dropout": 0.0},
        their_options={
            "in_channels": 3,
            "num_classes": 11,
            "growth": 12,
            "layers": (4,) * 11,
            "first_channels": 48,
        },
        x=(1, 3, 224, 224),
        y=(224, 224),
    ),
    SemanticNetwork(
        "vnet",
        "V-Net, 64³",
        ours="minis.models.vnet:VNet",
        theirs="tests.reference.vnet:TorchVNet",
        options={"in_channels": 1, "num_classes": 2, "schedule": "code"},
        x=(1, 1, 64, 64, 64),
        y=(64, 64, 64),
    ),
    DetectionNetwork(
        "mask-rcnn",
        "Mask R-CNN, ResNet-50 FPN, 320²",
        ours="minis.models.mask_rcnn.mask_rcnn:MaskRCNN",
        theirs="tests.reference.mask_rcnn:TorchMaskRCNN",
        torchvision="benchmarks.networks.torchvision_networks:mask_rcnn_resnet50_fpn",
        options={"num_classes": 91, "min_size": 320, "max_size": 320},
        images=((320, 320),),
    ),
    DetectionNetwork(
        "mask-rcnn-mini",
        "Mask R-CNN, ResNet-18, 16 wide, two of 128²",
        ours="minis.models.mask_rcnn.mask_rcnn:MaskRCNN",
        theirs="tests.reference.mask_rcnn:TorchMaskRCNN",
        options=SMALL_DETECTOR,
        passes=(TRAINING,),
        images=((128, 128),) * 2,
    ),
)

__all__ = ["NETWORKS", "DetectionNetwork", "Network", "SemanticNetwork"]
