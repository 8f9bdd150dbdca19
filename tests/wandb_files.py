"""Reads the file an offline wandb run leaves: LevelDB log framing around protobuf records.

wandb ships no reader for it. Blocks of 32 KiB after a 7-byte header; a chunk is crc, length and type (whole,
first, middle, last).
"""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEADER, BLOCK, CHUNK = 7, 32768, 7
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def records(path: Path) -> Iterator[Any]:
    """Every record, in the order it was written."""
    from wandb.proto.wandb_internal_pb2 import Record  # type: ignore[attr-defined]  # made at run time

    for data in _chunks(path.read_bytes()):
        record = Record()
        record.ParseFromString(data)
        yield record


def _chunks(content: bytes) -> Iterator[bytes]:
    assert content[:4] == b":W&B"
    position, gathered = HEADER, b""
    while position < len(content):
        left = BLOCK - position % BLOCK
        _, size, kind = (
            struct.unpack("<IHB", content[position : position + CHUNK]) if left >= CHUNK else (0, 0, 0)
        )
        if left < CHUNK or (kind == 0 and size == 0):
            position += left
            continue
        data = content[position + CHUNK : position + CHUNK + size]
        position += CHUNK + size
        gathered = data if kind in (WHOLE, FIRST) else gathered + data
        if kind in (WHOLE, LAST):
            yield gathered


def history(path: Path) -> list[dict[str, Any]]:
    """The logged rows, keys joined with `/` as they were given."""
    rows = []
    for record in records(path):
        if record.WhichOneof("record_type") == "history":
            items = record.history.item
            rows.append(
                {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}
            )
    return rows
