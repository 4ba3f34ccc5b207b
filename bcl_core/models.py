"""The two-branch network: a backbone, a classifier, and a projection head whose space also holds class prototypes."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bcl_core.randomness import keyed
from bcl_core.recipe import Recipe
from bcl_core.registry import BACKBONES

# Shapes: N images, d_h backbone features, d projection space, K classes.


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
    """ResNet for small images: a stem and three stages of n blocks, widths 16-32-64; 6n + 2 layers (He et al. 2016)."""

    out_features = 64

    def __init__(self, blocks: int, in_channels: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(in_channels, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        widths = (16, 16, 32, 64)
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
        """Map images (N, C, H, W) to features (N, 64), each ≥ 0."""
        return self.stages(self.stem(x)).mean(dim=(2, 3))  # type: ignore[no-any-return]


def resnet8(in_channels: int) -> nn.Module:
    """One block a stage."""
    return SmallResNet(1, in_channels)


def resnet20(in_channels: int) -> nn.Module:
    """Three blocks a stage."""
    return SmallResNet(3, in_channels)


def resnet32(in_channels: int) -> nn.Module:
    """Five blocks a stage."""
    return SmallResNet(5, in_channels)


def mlp(in_features: int, hidden: int, out_features: int) -> nn.Sequential:
    """Linear, ReLU, linear; no BatchNorm."""
    return nn.Sequential(nn.Linear(in_features, hidden), nn.ReLU(), nn.Linear(hidden, out_features))


class TwoBranchModel(nn.Module):
    """Backbone h, cosine classifier on h, unit projection z of h, and prototypes c = MLP(classifier weights).

    Prototypes are not detached from the classifier's weights: the contrastive loss trains them (reference code of
    Zhu et al. 2022).
    """

    def __init__(
        self, backbone: nn.Module, projection: nn.Module, prototype_mlp: nn.Module, classifier: Tensor
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.projection = projection
        self.prototype_mlp = prototype_mlp
        self.classifier = nn.Parameter(classifier)  # (K, d_h)
        self.scale = 1.0

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, C, H, W) to backbone features h (N, d_h)."""
        return self.backbone(images)  # type: ignore[no-any-return]

    def project(self, h: Tensor) -> Tensor:
        """Map h (N, d_h) to unit vectors z (N, d)."""
        return F.normalize(self.projection(h).float(), dim=1)

    def logits(self, h: Tensor) -> Tensor:
        """Return scale · cos(h, w_k), (N, K)."""
        return self.scale * F.normalize(h.float(), dim=1) @ F.normalize(self.classifier, dim=1).T

    def prototypes(self) -> Tensor:
        """Return unit prototypes c (K, d)."""
        return F.normalize(self.prototype_mlp(self.classifier).float(), dim=1)


def build_model(recipe: Recipe, in_channels: int, num_classes: int) -> TwoBranchModel:
    """Build the recipe's model; each module's weights are drawn under a key of their own.

    So runs that differ in the loss, or in one head, start from the same encoder.
    """
    seed, shape = recipe.seed, recipe.model
    with keyed(seed, "weights/backbone"):
        backbone: nn.Module = BACKBONES[shape.backbone].load()(in_channels)
    features = int(backbone.out_features)  # type: ignore[arg-type]
    with keyed(seed, "weights/projection"):
        projection = mlp(features, shape.hidden_dim, shape.projection_dim)
    with keyed(seed, "weights/prototypes"):
        prototype_mlp = mlp(features, shape.hidden_dim, shape.projection_dim)
    with keyed(seed, "weights/classifier"):
        classifier = F.normalize(torch.randn(num_classes, features), dim=1)
    model = TwoBranchModel(backbone, projection, prototype_mlp, classifier)
    model.scale = shape.scale
    return model
