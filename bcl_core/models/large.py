"""torchvision's residual networks for large images, without their classifier."""

from torch import nn
from torchvision import models


def resnet18(in_channels: int) -> nn.Module:
    """Basic blocks, 512 features (He et al. 2016)."""
    return _without_classifier(models.resnet18(), in_channels)


def resnet34(in_channels: int) -> nn.Module:
    """Basic blocks, 512 features (He et al. 2016)."""
    return _without_classifier(models.resnet34(), in_channels)


def resnet50(in_channels: int) -> nn.Module:
    """Bottleneck blocks, 2,048 features (He et al. 2016)."""
    return _without_classifier(models.resnet50(), in_channels)


def resnext50(in_channels: int) -> nn.Module:
    """32 groups of width 4, 2,048 features (Xie et al. 2017)."""
    return _without_classifier(models.resnext50_32x4d(), in_channels)


def resnet18_cifar(in_channels: int) -> nn.Module:
    """ResNet-18 with a 3×3 stem that keeps the resolution, for 32×32 images (as in Khosla et al. 2020's code)."""
    return _with_small_stem(resnet18(in_channels), in_channels)


def resnet34_cifar(in_channels: int) -> nn.Module:
    """ResNet-34 with a 3×3 stem that keeps the resolution, for 32×32 images (as in Khosla et al. 2020's code)."""
    return _with_small_stem(resnet34(in_channels), in_channels)


def resnet50_cifar(in_channels: int) -> nn.Module:
    """ResNet-50 with a 3×3 stem that keeps the resolution, for 32×32 images (as in Khosla et al. 2020's code)."""
    return _with_small_stem(resnet50(in_channels), in_channels)


def _with_small_stem(network: nn.Module, in_channels: int) -> nn.Module:
    network.conv1 = nn.Conv2d(in_channels, 64, 3, 1, 1, bias=False)
    nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")  # as torchvision's own
    network.maxpool = nn.Identity()
    return network


def _without_classifier(network: models.ResNet, in_channels: int) -> nn.Module:
    network.out_features = network.fc.in_features
    network.fc = nn.Identity()
    if in_channels != 3:
        network.conv1 = nn.Conv2d(in_channels, 64, 7, 2, 3, bias=False)
    return network  # type: ignore[no-any-return]
