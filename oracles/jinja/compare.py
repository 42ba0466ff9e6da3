# SPDX-License-Identifier: Apache-2.0
"""Renders chat templates with Jinja 2 and with packages/jinja (built) and counts where they differ.
    python compare.py FOLDER        every .jinja file in FOLDER x the chats of chats.py
    python compare.py random N SEED   N random templates (random_templates.py)
Prints the first differences and the counts; exit status 1 where there is any."""
import copy
import json
import subprocess
import sys
from pathlib import Path

sys.setrecursionlimit(2000)
sys.set_int_max_str_digits(4300)
HERE = Path(__file__).parent
import transformers_environment as environment  # noqa: E402
from chats import CHATS, values  # noqa: E402


def ours(cases):
    lines = "".join(json.dumps({"template": template, "values": given}) + "\n" for template, given in cases)
    done = subprocess.run(["node", str(HERE / "render.mjs")], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def compare(cases, names, shown=12):
    counts = {"equal": 0, "refused by both": 0, "different": 0, "refused by us": 0, "refused by Jinja 2": 0, "spans equal": 0, "spans different": 0}
    for (template, given), name, answer in zip(cases, names, ours(cases), strict=True):
        theirs = environment.render_with_spans(template, copy.deepcopy(given), environment.utf16_units)
        if "crash" in answer:
            print("CRASH", name, answer["crash"][:600], repr(template[-300:]))
        kind = ("refused by both" if theirs is None and "text" not in answer else "refused by us" if theirs is not None and "text" not in answer
                else "refused by Jinja 2" if theirs is None else "equal" if theirs[0] == answer["text"] else "different")
        counts[kind] += 1
        if kind == "equal" and theirs[1]:
            same = theirs[1] == answer["spans"]
            counts["spans equal" if same else "spans different"] += 1
            if not same:
                print(f"--- spans: {name}\n  template {template!r}\n  Jinja 2  {theirs[1]}\n  ours     {answer['spans']}")
        if kind not in ("equal", "refused by both"):
            shown -= 1
            if shown >= 0:
                reason = environment.why(template, copy.deepcopy(given)) if theirs is None else theirs[0]
                print(f"--- {kind}: {name}\n  template {template[-400:]!r}\n  Jinja 2  {str(reason)[-300:]!r}\n  ours     {str(answer.get('text', answer.get('error')))[-300:]!r}")
    print(json.dumps(counts))
    return counts


if __name__ == "__main__":
    if sys.argv[1] == "random":
        from random_templates import random_cases
        cases = random_cases(int(sys.argv[2]), int(sys.argv[3]))
        names = [f"random {at}" for at in range(len(cases))]
    else:
        files = sorted(Path(sys.argv[1]).glob("*.jinja"))
        cases = [(file.read_bytes().decode(), values(chat)) for file in files for chat in CHATS.values()]
        names = [f"{file.name}, {chat}" for file in files for chat in CHATS]
        print(len(files), "templates x", len(CHATS), "chats")
    counts = compare(cases, names)
    sys.exit(counts["different"] + counts["refused by us"] + counts["refused by Jinja 2"] + counts["spans different"] > 0)
