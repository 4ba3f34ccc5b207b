"""Small image files for the tests of data sources."""

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from bcl_core.data.source import Opening
from bcl_core.recipe import DataPaths
from bcl_core.registry import DATASETS


def picture(seed: int, size: tuple[int, int] = (12, 12)) -> Image.Image:
    """Random RGB pixels of (width, height)."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def save(file: Path, seed: int = 0, size: tuple[int, int] = (12, 12)) -> Path:
    """Write a picture there, with the folders that lead to it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    picture(seed, size).save(file)
    return file


def opening(source: str, path: Path | None = None, **more) -> Opening:
    """What `source` is opened with."""
    return Opening(DATASETS[source], DataPaths(path=path, lists=more.pop("lists", None)), **more)


def write_parquet(folder: Path, name: str, labels, *, image_column="img", label_column="label", images=None) -> None:
    """Write `name`.parquet in the Hugging Face convention, of three classes."""
    images = images or [{"bytes": encoded(picture(i, (32, 32))), "path": None} for i in range(len(labels))]
    table = pa.table(
        {
            image_column: pa.array(images, pa.struct({"bytes": pa.binary(), "path": pa.string()})),
            label_column: pa.array(labels, pa.int64()),
        }
    )
    features = {label_column: {"names": ["cat", "dog", "emu"]}}
    meta = {"huggingface": json.dumps({"info": {"features": features}})}
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata(meta), folder / f"{name}.parquet")
