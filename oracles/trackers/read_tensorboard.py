# SPDX-License-Identifier: Apache-2.0
"""TensorBoard's own reader over a run's event files: every metric of metrics.jsonl must be there, once, with its value.

With --killed the last rows may be missing: those that a killed run had not written yet, or that were cut.

    pip install tensorboard==2.21.0
    python oracles/trackers/read_tensorboard.py runs/simpo [--killed]
"""
import json
import pathlib
import struct
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

run = pathlib.Path(sys.argv[1])
events = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0})
events.Reload()
kept = {
    (tag, event.step): event.value for tag in events.Tags()["scalars"] for event in events.Scalars(tag)
}
single = lambda value: struct.unpack("<f", struct.pack("<f", value))[0]  # TensorBoard keeps 32-bit floats
expected = {}
for line in (run / "metrics.jsonl").read_text().splitlines():
    row = json.loads(line)
    is_evaluation = any(name.startswith("eval_") for name in row)
    for name, value in row.items():
        if name == "step" or not isinstance(value, (int, float)) or is_evaluation > name.startswith("eval_"):
            continue
        tag = f"eval/{name[5:]}" if name.startswith("eval_") else f"train/{name}"
        expected[(tag, row["step"])] = single(value)
if "--killed" in sys.argv:
    last = max((step for _, step in kept), default=0)
    missing = [key for key in expected if key not in kept]
    assert all(step >= last for _, step in missing), missing
    print(f"{len(missing)} values from step {last} on are missing")
    expected = {key: value for key, value in expected.items() if key in kept}
assert kept == expected, f"{set(kept.items()) ^ set(expected.items())}"
assert len(kept) == sum(len(events.Scalars(tag)) for tag in events.Tags()["scalars"]), "a step stands twice"
print(f"{len(kept)} values equal; texts: {events.Tags()['tensors']}")
