"""The nights: simulated alerts, written as Spark writes them.

`nightferry simulate` draws its images from a pool of 24, so that they come out of a dictionary, and writes pages by the
rules of its own Parquet library. Here each alert gets images of its own, and files look like those of the archive: one
file a night, Snappy, INT96 timestamps, a page index, dictionaries that are given up at 1 MB, pages of 100 rows where an
image is in them (1.3 MB), row groups of about 20,800 alerts without cutouts or 2,500 with them.
"""

import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .said import progress, say
from .workloads import NIGHT

CUTOUTS = ["cutoutScience", "cutoutTemplate", "cutoutDifference"]
SIDE = 63
"""Pixels of an image in either direction."""
BLOCK = 2880
"""FITS files come in blocks of so many bytes."""
LAYOUT = 2
"""Grows when the files would come out otherwise: those kept from before are made again."""


@dataclass(frozen=True)
class Kind:
    """A night to be made."""

    name: str
    alerts: int
    row_groups: int
    cutouts: bool


KINDS = {"L": Kind("L", 250_000, 12, False), "C": Kind("C", 40_000, 16, True)}


def night(name: str, divisor: int, nightferry: Path, folder: Path) -> Path:
    """The archive of a night, made if it is not there; `divisor` makes it so many times smaller."""
    kind = KINDS[name]
    alerts = kind.alerts // divisor
    archive = folder / f"{name}-{alerts}-{LAYOUT}"
    if archive.is_dir():
        return archive
    folder.mkdir(parents=True, exist_ok=True)
    # Renamed when it is whole, so that a half-made one is never taken for it.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".making-") as made:
        drawn, whole = Path(made) / "drawn", Path(made) / "whole"
        say(f"night {name}: {alerts:,} alerts are drawn …")
        command = [nightferry, "simulate", drawn, "--nights", NIGHT, "--alerts", str(alerts), "--json"]
        subprocess.run([*command, *([] if kind.cutouts else ["--no-cutouts"])], check=True, stdout=subprocess.DEVNULL)
        relative = next(drawn.rglob("*.parquet")).parent.relative_to(drawn)
        (whole / relative).mkdir(parents=True)
        file = whole / relative / "part-00000.c000.snappy.parquet"
        rewrite(sorted(drawn.rglob("*.parquet")), file, kind, -(-kind.alerts // kind.row_groups))
        shutil.rmtree(drawn)
        whole.rename(archive)
    return archive


def rewrite(files: list[Path], target: Path, kind: Kind, rows: int) -> None:
    """Writes all files as one, in row groups of `rows` alerts."""
    layout = {
        "compression": "snappy", "use_deprecated_int96_timestamps": True, "store_schema": False, "version": "1.0",
        "write_page_index": True, "data_page_size": 1 << 20, "dictionary_pagesize_limit": 1 << 20,
    }  # fmt: skip
    # A page is looked at after so many rows, as Spark does.
    if kind.cutouts:
        layout["write_batch_size"] = 100
    writer = None
    with ProcessPoolExecutor() as pool:
        for number, table in enumerate(row_groups(files, rows)):
            table = with_images(table, number, pool if kind.cutouts else None)
            writer = writer or pq.ParquetWriter(target, table.schema, **layout)
            writer.write_table(table, row_group_size=rows)
            progress(f"night {kind.name}", number + 1, "row groups")
    writer.close()


def row_groups(files: list[Path], rows: int) -> Iterator[pa.Table]:
    """The alerts of all files, so many at a time."""
    waiting: list[pa.RecordBatch] = []
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(batch_size=500):
            while sum(len(part) for part in waiting) + len(batch) >= rows:
                room = rows - sum(len(part) for part in waiting)
                yield pa.Table.from_batches([*waiting, batch.slice(0, room)]).combine_chunks()
                waiting, batch = [], batch.slice(room)
            if len(batch):
                waiting.append(batch)
    if waiting:
        yield pa.Table.from_batches(waiting).combine_chunks()


def with_images(table: pa.Table, seed: int, pool: ProcessPoolExecutor | None) -> pa.Table:
    """The same alerts, each with images of its own, or none with any."""
    table = table.replace_schema_metadata(None)
    for place, name in enumerate(CUTOUTS):
        index = table.schema.get_field_index(name)
        names = pc.struct_field(table.column(index), "fileName").combine_chunks()
        images = pa.nulls(len(table), pa.binary())
        if pool:
            parts = [len(part) for part in np.array_split(np.arange(len(table)), 8)]
            seeds = [(seed * len(CUTOUTS) + place) * len(parts) + part for part in range(len(parts))]
            images = pa.array([image for drawn in pool.map(images_of, seeds, parts) for image in drawn], pa.binary())
        column = pa.StructArray.from_arrays([names, images], ["fileName", "stampData"])
        table = table.set_column(index, name, column)
    return table


def images_of(seed: int, count: int) -> list[bytes]:
    """FITS images of a source in noise, gzip, about 13 KB each."""
    chance = np.random.default_rng(seed)
    cards = ["SIMPLE  =                    T", "BITPIX  =                  -32", "NAXIS   =                    2"]
    cards += [f"NAXIS1  = {SIDE:>20}", f"NAXIS2  = {SIDE:>20}", "END"]
    header = "".join(f"{card:<80}" for card in cards).ljust(BLOCK).encode()
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    source = np.exp(-(x * x + y * y) / 5.0)
    images = []
    for _ in range(count):
        pixels = 150 + chance.uniform(40, 400) * source + 6 * chance.standard_normal((SIDE, SIDE))
        body = pixels.astype(">f4").tobytes()
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)
        images.append(packer.compress(header + body + bytes(-len(body) % BLOCK)) + packer.flush())
    return images
