# SPDX-License-Identifier: Apache-2.0
"""What Jinja 2 (3.1.6, set up by Transformers 5.18.0) makes of the constructs that chat templates use: text and
generation spans, null where it refuses. Writes packages/jinja/fixtures/constructs.json and, from random_templates.py, random.json."""
import copy
import json
from pathlib import Path

from constructs import TEMPLATES, VALUES
from random_templates import random_cases
from transformers_environment import jinja2, render_with_spans

OUT = Path(__file__).resolve().parents[2] / "packages" / "jinja" / "fixtures"


def entry(template, values=VALUES):
    done = render_with_spans(template, copy.deepcopy(values))
    return {"template": template, "text": None if done is None else done[0], **({"spans": done[1]} if done and done[1] else {})}


def write(name, content):
    (OUT / name).write_text(json.dumps({"jinja2": jinja2.__version__, **content}, ensure_ascii=False, indent=1) + "\n")


write("constructs.json", {"values": VALUES, "cases": [entry(template) for template in TEMPLATES]})
cases = random_cases(400, 20261129)
write("random.json", {"values": cases[0][1], "cases": [entry(template, values) for template, values in cases]})
