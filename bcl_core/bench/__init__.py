"""What training costs on this machine: `python -m bcl_core bench`. Random images, so nothing is read or downloaded.

    steps.py      a training step of ours, of a published-style pipeline, of bare forward and backward; by stage
    published.py  that pipeline
    epoch.py      what comes once an epoch: embedding, measuring, files
    scaling.py    loss, gradient statistics and measuring against classes, images and dimensions
    report.py     all of it, as a dictionary and as tables

Imports torch.
"""

from bcl_core.bench.report import Report, as_text, bench
from bcl_core.bench.steps import random_dataset, write_profile
