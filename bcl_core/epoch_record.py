"""What an epoch's steps leave behind, until the epoch is summed up."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from bcl_core.distributed import World
from bcl_core.evaluation import BatchSeen
from bcl_core.recipe import Recipe


@dataclass
class EpochRecord:
    """What an epoch's steps leave behind, on the device until the epoch ends."""

    losses: Tensor  # (steps, 3): total, contrastive, cross-entropy of each step so far
    steps: int = 0
    seen: list[BatchSeen] = field(default_factory=list)  # of the sampled steps, whose statistics are still to be taken
    statistics: Any = None  # contrastive_statistics, summed over the sampled steps
    sampled: int = 0
    batch: BatchSeen | None = None  # of the first sampled step

    def add(self, losses: Tensor) -> Tensor:
        """Take a step's losses (3,); return its total where it stays."""
        place = self.losses[self.steps]
        place.copy_(losses)
        self.steps += 1
        return place[0]

    def add_statistics(self, batch: Any) -> None:
        """Add the `contrastive_statistics` of a sampled step."""
        self.sampled += 1
        if self.statistics is None:
            self.statistics = batch
        else:
            self.statistics = type(batch)(*(a + b for a, b in zip(self.statistics, batch, strict=True)))

    def culprit(self, recipe: Recipe) -> str:
        """Say which of the two losses was the first that is not finite."""
        finite = self.losses[: self.steps].isfinite()
        contrastive, classifier = finite[int(finite[:, 0].int().argmin())].tolist()[1:]  # where the total first is not
        if not recipe.loss.contrastive or (contrastive and not classifier):
            return "cross-entropy"
        named = f'the contrastive loss "{recipe.loss.name}"'
        return named if classifier else f"cross-entropy and {named}"

    def means(self, world: World) -> dict[str, float]:
        """Return each loss, averaged over the steps and over all processes."""
        mean = self.losses[: self.steps].double().mean(dim=0)
        world.average([mean])
        total, contrastive, classifier = mean.tolist()
        return {"loss": total, "loss_contrastive": contrastive, "loss_classifier": classifier}
