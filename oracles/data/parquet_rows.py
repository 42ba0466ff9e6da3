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
