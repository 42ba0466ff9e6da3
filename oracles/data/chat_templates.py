# SPDX-License-Identifier: Apache-2.0
"""What Transformers writes for our own chats with the chat templates of the shared test data: texts, and token ids where
the vocabulary is there. Needs that data (LLMF_TEST_DATA, or shared/data beside the checkout); the fixture holds no template."""
import json
import os
from pathlib import Path

from transformers import AutoTokenizer
from transformers.utils.chat_template_utils import render_jinja_template

ROOT = Path(__file__).resolve().parents[2]
TOKENIZERS = Path(os.environ.get("LLMF_TEST_DATA", ROOT.parent / "shared" / "data")) / "tokenizers"
OUT = ROOT / "packages" / "data" / "fixtures" / "chat-templates.json"

user = lambda text: {"role": "user", "content": text}
assistant = lambda text: {"role": "assistant", "content": text}
CALL = {"type": "function", "function": {"name": "get_weather", "arguments": {"city": "Kyōto", "days": 2}}}
TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "Weather of a city", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]
CHATS = {
    "one turn": ([user("Hi there!"), assistant("Hello.\n\nHow are you?")], None),
    "system": ([{"role": "system", "content": "Be brief."}, user("What is 2 + 2?"), assistant("4")], None),
    "three turns": ([user("a"), assistant("b"), user("  c d "), assistant("é 漢字 🙂"), user("e"), assistant("f\n")], None),
    "reasoning": ([user("q"), assistant("<think>\nhm\n</think>\n\nanswer"), user("r"), assistant("<think>\nso\n</think>\n\nlast")], None),
    "tool call": ([user("Weather?"), {"role": "assistant", "content": "", "tool_calls": [CALL]}, {"role": "tool", "content": "{\"sun\": true}"}, assistant("Sunny.")], TOOLS),
}


def render(template, messages, tools, generation, special):
    try:
        texts, _ = render_jinja_template(conversations=[messages], tools=tools, chat_template=template, add_generation_prompt=generation, date_string="26 Jul 2024", **special)
        return texts[0]
    except Exception:
        return None


result = {}
for name in ["qwen2", "qwen2.5", "qwen3", "minimind", "mistral-7b-instruct-v0.2", "llama3.2"]:
    config = json.loads((TOKENIZERS / name / "tokenizer_config.json").read_text())
    text = lambda key: config[key]["content"] if isinstance(config.get(key), dict) else config.get(key) or ""
    special = {"bos_token": text("bos_token"), "eos_token": text("eos_token")}
    tokenizer = AutoTokenizer.from_pretrained(TOKENIZERS / name) if (TOKENIZERS / name / "tokenizer.json").exists() else None
    entries = []
    for chat, (messages, tools) in CHATS.items():
        if tools is not None and "tool_calls" not in config["chat_template"]:
            continue
        whole = render(config["chat_template"], messages, tools, False, special)
        prompt = render(config["chat_template"], messages[:-1], tools, True, special)
        if whole is None or prompt is None:
            continue
        entry = {"chat": chat, "messages": messages, "tools": tools, "whole": whole, "prompt": prompt}
        if tokenizer is not None:
            ids = lambda value: tokenizer(value, add_special_tokens=False)["input_ids"]
            entry |= {"wholeIds": ids(whole), "promptIds": ids(prompt)}
        entries.append(entry)
    result[name] = entries
    print(name, len(entries))
OUT.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n")
