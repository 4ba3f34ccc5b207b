import numpy as np
import pytest

from bcl_core.geometry.arrays import FloatArray


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def rotation(rng: np.random.Generator) -> FloatArray:
    """A random orthogonal 16 × 16 matrix."""
    return np.linalg.qr(rng.normal(size=(16, 16)))[0]
