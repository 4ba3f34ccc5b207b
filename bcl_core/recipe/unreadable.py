"""What stands in the place of a recipe that cannot be read."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Unreadable:
    """The text as it was found and, in a sentence, why it is no recipe; else what pages ask of any recipe."""

    text: str
    reason: str

    title = "Unreadable"
    variant = "unreadable"  # drawn in neutral grey, as any that is not known
    space = "unknown"
    epochs = 0  # nobody knows
    seed = None
    widest_angle = 180.0

    @property
    def hash(self) -> str:
        """16 hexadecimal digits: equal for equal texts."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    @property
    def in_words(self) -> str:
        """What a caption can say."""
        return f"{self.title}: {self.reason}"
