"""Checkpoints of other code: the published BCL, ProCo, SupContrast, torchvision, timm, and this app's own exports.

Imports torch, so only the worker and the command line import this.
"""

from bcl_core.lab.foreign.loading import Imported, exported_recipe, load_checkpoint
from bcl_core.lab.foreign.reading import CheckpointError
