# SPDX-License-Identifier: Apache-2.0
"""24 chats that try what chat templates read: roles, tools, reasoning, ids, parts, odd texts, empty turns."""
user = lambda content, **more: {"role": "user", "content": content, **more}
bot = lambda content, **more: {"role": "assistant", "content": content, **more}
system = lambda content: {"role": "system", "content": content}
tool = lambda content, **more: {"role": "tool", "content": content, **more}
call = lambda name, arguments, **more: {"type": "function", "function": {"name": name, "arguments": arguments}, **more}

WEIGH = {"type": "function", "function": {"name": "weigh", "description": "Weighs a <thing> & tells\nits mass", "parameters": {"type": "object", "properties": {"thing": {"type": "string", "description": "What", "enum": ["a", "b"]}, "unit": {"type": ["string", "null"]}, "times": {"type": "array", "items": {"type": "number"}}}, "required": ["thing"]}}}
BARE = {"type": "function", "function": {"name": "now", "description": "Tells the time", "parameters": {"type": "object", "properties": {}}}}
VALUES = {"wet": True, "unit": None, "scale": 1.0, "big": 12345678901234567890, "tiny": 1e-7, "tags": ["a", "it's"], "deep": {"é": "漢字", "q": '"'}}
parts = lambda text: [{"type": "text", "text": text}]

CHATS = {
    "one question": dict(messages=[user("Hi there!")], add_generation_prompt=True),
    "one turn": dict(messages=[user("Hi there!"), bot("Hello.\n\nHow are you?")]),
    "system": dict(messages=[system("Be brief."), user("2 + 2?"), bot("4")], add_generation_prompt=True),
    "empty system": dict(messages=[system(""), user("2 + 2?")], add_generation_prompt=True),
    "three turns": dict(messages=[user("a"), bot("b"), user("  c d "), bot("é 漢字 🙂"), user("e"), bot("f\n")]),
    "assistant first": dict(messages=[bot("Ahoy!"), user("Hi"), bot("Aye.")]),
    "two users": dict(messages=[user("a"), user("b")], add_generation_prompt=True),
    "think block": dict(messages=[user("q"), bot("<think>\nhm\n</think>\n\nanswer"), user("r"), bot("<think>\nso\n</think>\n\nlast")]),
    "reasoning": dict(messages=[user("q"), bot("answer", reasoning_content="hm\n"), user("r"), bot("last", reasoning_content="so")]),
    "thinking": dict(messages=[user("q"), bot("answer", thinking="hm"), user("r")], add_generation_prompt=True, enable_thinking=False),
    "tools offered": dict(messages=[user("Weigh a")], tools=[WEIGH, BARE], add_generation_prompt=True),
    "tools and system": dict(messages=[system("S"), user("Weigh a")], tools=[WEIGH], add_generation_prompt=True),
    "call": dict(messages=[user("Weigh"), bot("", tool_calls=[call("weigh", {"thing": "a", "times": [1, 2.5]}, id="abcdefghi")]), tool('{"mass": 7}', tool_call_id="abcdefghi", name="weigh"), bot("7 g.")], tools=[WEIGH]),
    "two calls": dict(messages=[user("Weigh"), bot("Sure.", tool_calls=[call("weigh", {"thing": "a"}, id="q11111111"), call("now", {}, id="q22222222")]), tool("noon", tool_call_id="q22222222", name="now"), tool("7", tool_call_id="q11111111", name="weigh"), bot("Done.")], tools=[WEIGH, BARE]),
    "values": dict(messages=[user("Go"), bot("", tool_calls=[call("f", VALUES, id="v12345678")])], tools=[WEIGH]),
    "call last": dict(messages=[user("Go"), bot(None, tool_calls=[call("f", {"a": 1}, id="v12345678")])], tools=[WEIGH]),
    "arguments as text": dict(messages=[user("Go"), bot("", tool_calls=[call("f", '{"a": 1}', id="v12345678")]), tool("ok", tool_call_id="v12345678", name="f")], add_generation_prompt=True),
    "parts": dict(messages=[user(parts("one ") + parts("two")), bot(parts("three"))]),
    "picture": dict(messages=[user([{"type": "image"}, {"type": "text", "text": "What is it?"}]), bot(parts("A sea."))]),
    "odd text": dict(messages=[user("a\r\nb\t{{ x }} {% y %} <|im_end|> \\n \u2028 \x85 \x1c"), bot("'\"`$&<>")]),
    "white space": dict(messages=[system("  s  "), user("\n\n q \u3000"), bot(" \n a \n ")], add_generation_prompt=True),
    "developer": dict(messages=[{"role": "developer", "content": "Be kind."}, user("q")], add_generation_prompt=True),
    "documents": dict(messages=[user("q")], documents=[{"title": "T", "text": "text"}], add_generation_prompt=True),
    "empty answer": dict(messages=[user("q"), bot(""), user(""), bot("x")]),
}
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}


def values(chat):
    return {"tools": None, "documents": None, "add_generation_prompt": False, **SPECIAL, **chat}
