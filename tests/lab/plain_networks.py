"""The networks of other code, written anew in that code's naming, to make checkpoints of and to compare with."""

import torch
import torch.nn.functional as F
import torchvision
from torch import nn


class CosineClassifier(nn.Module):
    """Weights (features, classes), both sides normalised, times a scale that no file holds."""

    def __init__(self, features, classes, scale=30):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(features, classes))
        self.scale = scale

    def forward(self, h):
        return self.scale * (h / h.norm(dim=1, keepdim=True)) @ (self.weight / self.weight.norm(dim=0, keepdim=True))


def two_layers(features, hidden, out, norm):
    middle = [nn.BatchNorm1d(hidden), nn.ReLU()] if norm else [nn.ReLU()]
    return nn.Sequential(nn.Linear(features, hidden), *middle, nn.Linear(hidden, out))


class CifarBlock(nn.Module):
    def __init__(self, before, after, stride, option):
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.shortcut = nn.Sequential()
        self.padded = before != after and option == "A"
        if before != after and option == "B":
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.padded:
            zeros = torch.zeros(len(x), out.shape[1] // 4, *out.shape[2:])
            return F.relu(out + torch.cat([zeros, x[:, :, ::2, ::2], zeros], dim=1))
        return F.relu(out + self.shortcut(x))


class CifarResNet(nn.Module):
    """conv1, bn1, layer1 … layer3, and `linear` where it has classes."""

    def __init__(self, blocks, classes=None, option="A", in_channels=3, narrowest=16):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(in_channels, narrowest, 3, 1, 1, bias=False), nn.BatchNorm2d(narrowest)
        before = narrowest
        for stage, width in enumerate((narrowest, 2 * narrowest, 4 * narrowest), start=1):
            layers = []
            for block in range(blocks):
                layers.append(CifarBlock(before, width, 2 if stage > 1 and block == 0 else 1, option))
                before = width
            setattr(self, f"layer{stage}", nn.Sequential(*layers))
        if classes:
            self.linear = nn.Linear(4 * narrowest, classes)

    def forward(self, x):
        out = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        h = F.avg_pool2d(out, out.shape[3]).flatten(1)
        return self.linear(h) if hasattr(self, "linear") else h


class SmallStemBlock(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after)
        self.conv2, self.bn2 = nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after)
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.shortcut(x))


class SmallStemResNet18(nn.Module):
    """SupContrast's encoder: a 3×3 stem, no pooling after it, `shortcut` for `downsample`."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64)
        widths = (64, 64, 128, 256, 512)
        for stage in range(1, 5):
            before, after = widths[stage - 1], widths[stage]
            blocks = SmallStemBlock(before, after, 1 if stage == 1 else 2), SmallStemBlock(after, after, 1)
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        for stage in range(1, 5):
            out = getattr(self, f"layer{stage}")(out)
        return out.mean(dim=(2, 3))


def torchvision_encoder(name):
    """torchvision's network with no classifier in its state dict."""
    network = getattr(torchvision.models, name)()
    network.fc = nn.Identity()
    return network


class ContrastiveModel(nn.Module):
    """`encoder`, and what is given of `fc`, `head` and `head_fc`: BCL, ProCo and SupContrast differ in these alone."""

    def __init__(self, encoder, **parts):
        super().__init__()
        self.encoder = encoder
        for name, module in parts.items():
            setattr(self, name, module)

    def forward(self, x):
        """Return (logits, unit projections, unit prototypes), None where there are none."""
        h = self.encoder(x)
        logits = self.fc(h) if hasattr(self, "fc") else None
        z = F.normalize(self.head(h), dim=1) if hasattr(self, "head") else None
        prototypes = F.normalize(self.head_fc(self.fc.weight.T), dim=1) if hasattr(self, "head_fc") else None
        return logits, z, prototypes


def with_lived_in_weights(network, seed=0):
    """Give every weight, and BatchNorm's running statistics too, a value that training could have left."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        noise = torch.randn(tensor.shape, generator=generator)
        if name.endswith("num_batches_tracked"):
            tensor.fill_(1000)
        elif name.endswith("running_var") or (tensor.ndim == 1 and name.endswith("weight")):
            tensor.copy_(1 + 0.2 * noise.clamp(-2, 2))
        elif tensor.ndim == 1:
            tensor.copy_(0.1 * noise)
        else:
            fan_in = tensor[0].numel()
            tensor.copy_(noise * (2 / fan_in) ** 0.5)
    return network.eval()
