# SPDX-License-Identifier: Apache-2.0
"""`wandb sync` over a run's offline folder, to a server of this script's: every metric of metrics.jsonl must arrive, once.

With --killed the last rows may be missing: those that a killed run had not written yet, or that were cut.

    pip install wandb==0.31.0
    python oracles/trackers/sync_wandb.py runs/simpo [--killed]
"""
import gzip
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading

history: dict[int, dict] = {}
buckets: list[dict] = []
ends: list[int] = []


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        answer = {}
        if self.path == "/graphql":
            call = json.loads(body)
            if "upsertBucket" in call["query"]:
                buckets.append(call["variables"])
                project = {"id": "1", "name": call["variables"]["project"], "entity": {"id": "1", "name": "us"}}
                bucket = {"id": "1", "name": call["variables"]["name"], "displayName": "", "description": "",
                          "config": "{}", "sweepName": None, "project": project, "historyLineCount": 0}
                answer = {"data": {"upsertBucket": {"bucket": bucket, "inserted": True}}}
            elif "createRunFiles" in call["query"]:
                answer = {"data": {"createRunFiles": {"runID": "1", "uploadHeaders": [], "files": []}}}
            elif "viewer" in call["query"]:
                answer = {"data": {"viewer": {"id": "1", "entity": "us", "username": "us", "flags": "{}", "teams": {"edges": []}}}}
        elif self.path.endswith("file_stream"):
            sent = json.loads(body)
            lines = sent.get("files", {}).get("wandb-history.jsonl")
            for place, line in enumerate(lines["content"] if lines else []):
                history[lines["offset"] + place] = json.loads(line)
            if sent.get("complete"):
                ends.append(sent["exitcode"])
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_PUT = do_POST

    def log_message(self, *_):
        pass


run = pathlib.Path(sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
(folder,) = (run / "wandb").glob("offline-run-*")
environment = {**os.environ, "WANDB_BASE_URL": f"http://127.0.0.1:{server.server_port}", "WANDB_API_KEY": "0" * 40}
wandb = pathlib.Path(sys.executable).parent / "wandb"
subprocess.run([wandb, "sync", folder], check=True, env=environment, timeout=120)

expected, times = [], ("_step", "_runtime", "_timestamp")
for line in (run / "metrics.jsonl").read_text().splitlines():
    row = json.loads(line)
    is_evaluation = any(name.startswith("eval_") for name in row)
    named = {
        (f"eval/{name[5:]}" if name.startswith("eval_") else f"train/{name}"): value
        for name, value in row.items()
        if name != "step" and isinstance(value, (int, float)) and is_evaluation <= name.startswith("eval_")
    }
    expected.append({**named, "train/global_step": row["step"]})
arrived = [{name: value for name, value in history[at].items() if name not in times} for at in sorted(history)]
if "--killed" in sys.argv:
    print(f"{len(expected) - len(history)} of {len(expected)} rows are missing")
    expected = expected[: len(history)]
assert sorted(history) == list(range(len(expected))), sorted(history)
assert arrived == expected, [pair for pair in zip(arrived, expected) if pair[0] != pair[1]][:3]
config = json.loads(buckets[0]["config"])
print(f"{sum(map(len, expected))} values of {len(expected)} rows equal; ended {ends}; config {sorted(config)}")
print("metrics:", json.dumps(config["_wandb"]["value"].get("m")), json.dumps(json.loads(buckets[-1]["config"])["_wandb"]["value"].get("m")))
