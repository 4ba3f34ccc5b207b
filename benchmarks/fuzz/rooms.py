"""All rooms that are fed in processes of their own, and how many of 100,000 inputs each gets."""

from benchmarks.fuzz import readers, requests
from benchmarks.fuzz.room import Room

ROOMS: dict[str, Room] = {
    "recipes": Room(readers.recipes, 22_000),
    "settings": Room(readers.settings, 8_000),
    "list files": Room(readers.lists, 10_000),
    "query strings": Room(requests.queries, 15_000),
    "routes": Room(requests.routes, 10_000),
    "do": Room(requests.do, 14_000),
    "safetensors": Room(readers.safetensors, 6_000),
    "npz": Room(readers.npz, 4_000),
    "Parquet of embeddings": Room(readers.parquet_embeddings, 2_000, forked=True),
    "Parquet of images": Room(readers.parquet_images, 2_000, forked=True),
    "zips": Room(readers.zips, 1_000),
    "checkpoints": Room(readers.checkpoints, 1_000),
}
