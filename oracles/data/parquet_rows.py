# SPDX-License-Identifier: Apache-2.0
"""Writes small Parquet files as the datasets library does, for packages/data: nested lists, 64-bit integers, several row groups."""
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

OUT = Path(__file__).resolve().parents[2] / "packages" / "data" / "fixtures"
ROWS = [
    {
        "conversations": [{"from": "human", "value": f"Question {i}?"}],
        "chosen": {"from": "gpt", "value": f"Good {i}"},
        "rejected": {"from": "gpt", "value": f"Bad {i}"},
        "margin": i / 4,
        "id": 2**40 + i,
        "system": None if i % 3 else "Be kind.",
    }
    for i in range(25)
]

OUT.mkdir(parents=True, exist_ok=True)
table = pa.Table.from_pylist(ROWS)
for compression in ["snappy", "zstd", "gzip", "none"]:
    pq.write_table(table, OUT / f"pairs-{compression}.parquet", compression=compression, row_group_size=10)
(OUT / "pairs.json").write_text(json.dumps(ROWS, indent=1) + "\n")

# Columns of many types, one row each: what they say has to arrive (packages/data/src/readers/parquet-values.test.ts).
import datetime
import decimal

picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
call = pa.struct([("name", pa.string()), ("arguments", pa.struct([("city", pa.string()), ("days", pa.int64()), ("share", pa.float64())]))])
moment = datetime.datetime(2024, 1, 2, 3, 4, 5)
TYPES = {
    "date": pa.array([datetime.date(2024, 1, 2), datetime.date(1969, 12, 31)]),
    "timestamp": pa.array([moment, None], pa.timestamp("us", tz="UTC")),
    "nanoseconds": pa.array([moment, None], pa.timestamp("ns")),
    "time": pa.array([datetime.time(3, 4, 5), None]),
    "decimal": pa.array([decimal.Decimal("12.30"), decimal.Decimal("-0.07")], pa.decimal128(9, 2)),
    "long_decimal": pa.array([decimal.Decimal("1234567890123456789.01"), None], pa.decimal128(30, 2)),
    "float": pa.array([1.0, 0.25]),
    "single": pa.array([2.0, 0.5], pa.float32()),
    "half": pa.array([1.0, 0.5], pa.float16()),
    "large": pa.array([2**60 + 1, 1]),
    "unsigned": pa.array([2**32 - 1, 1], pa.uint32()),
    "flag": pa.array([True, None]),
    "text": pa.array(["a", "b"]).dictionary_encode(),
    "bytes": pa.array([b"\x89PNG\xff", None], pa.binary()),
    "pictures": pa.array([[{"bytes": b"\xff\xd8", "path": None}], []], pa.list_(picture)),
    "calls": pa.array([[{"name": "f", "arguments": {"city": "Rom", "days": None, "share": 1.0}}], None], pa.list_(call)),
    "map": pa.array([[("a", 1), ("b", None)], []], pa.map_(pa.string(), pa.int64())),
    "nested": pa.array([[["a.png", "b.png"]], [[]]], pa.list_(pa.list_(pa.string()))),
}
pq.write_table(pa.table(TYPES), OUT / "types.parquet")
