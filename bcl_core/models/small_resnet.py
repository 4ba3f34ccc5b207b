"""Residual networks for small images (He et al. 2016, section 4.2)."""

from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a parameter-free shortcut (option A of He et al. 2016): subsample, pad with zeros."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.new_channels = channels - in_channels
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C', H/stride, W/stride)."""
        shortcut = x[:, :, :: self.stride, :: self.stride]
        if self.new_channels:
            before = self.new_channels // 2
            shortcut = F.pad(shortcut, (0, 0, 0, 0, before, self.new_channels - before))
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + shortcut)


class SmallResNet(nn.Module):
    """ResNet for small images: a stem and three stages of n blocks, 6n + 2 layers (He et al. 2016).

    Widths are 16-32-64 there, w-2w-4w here.
    """

    def __init__(self, blocks: int, in_channels: int, width: int = 16) -> None:
        super().__init__()
        self.out_features = 4 * width
        stem = nn.Conv2d(in_channels, width, 3, 1, 1, bias=False)
        self.stem = nn.Sequential(stem, nn.BatchNorm2d(width), nn.ReLU())
        widths = (width, width, 2 * width, 4 * width)
        self.stages = nn.Sequential(
            *(
                BasicBlock(widths[stage] if block == 0 else widths[stage + 1], widths[stage + 1], stride)
                for stage in range(3)
                for block in range(blocks)
                for stride in [2 if stage > 0 and block == 0 else 1]
            )
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, C, H, W) to features (N, 4w), each ≥ 0."""
        return self.stages(self.stem(x)).mean(dim=(2, 3))  # type: ignore[no-any-return]


# One, three, five, seven and nine blocks a stage; each takes the number of input channels.
resnet8, resnet20, resnet32, resnet44, resnet56 = (partial(SmallResNet, blocks) for blocks in (1, 3, 5, 7, 9))
# As wide as in the code of GLMC (Du et al. 2023): four times 16-32-64.
resnet32_wide = partial(SmallResNet, 5, width=64)
