# SPDX-License-Identifier: Apache-2.0
"""Writes packages/models/fixtures/sentencepiece.json: a small sentencepiece BPE model with the settings of Llama 2, as
llama.cpp's converter writes its pieces into a GGUF file, and the ids that sentencepiece 0.2.3 gives to texts.

usage: python gguf_sentencepiece.py
"""

import io
import json
from pathlib import Path

import sentencepiece as spm

ROOT = Path(__file__).parents[2]

SENTENCES = json.loads((ROOT / "examples/first-run/data/train.json").read_text())
TEXTS = [
    "",
    " ",
    "   ",
    "a",
    "Hello world",
    " Hello  world ",
    "What is a goat? It is an animal.",
    "trailing space ",
    "\n",
    "line one\nline two\n\nline four",
    "\ttab\tseparated\t",
    "12345 and 3.14159",
    "don't won't can't",
    "Grüße aus Köln, naïve café",
    "日本語のテキスト",
    "Привет, мир!",
    "مرحبا بالعالم",
    "👍🏽 emoji 👩‍👩‍👧 family",
    "e\u0301 decomposed",
    "zero\u200bwidth",
    "\u2581 the mark itself",
    "mixed 日本 and English",
    "aaaaaaaaaaaaaaaaaaaa",
    "the the the the",
    "UPPER lower MiXeD",
    "a_b-c+d=e/f\\g",
    "(nested [brackets {here}])",
    "\u0000 null and \u007f delete",
    "€ £ ¥ © ® ™",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "x" * 60,
]


def main():
    lines = sorted({str(value) for row in SENTENCES for value in row.values() if isinstance(value, str)})
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(lines + [text for text in TEXTS if text.strip() and "\0" not in text]),
        model_writer=model,
        model_type="bpe",
        vocab_size=480,
        byte_fallback=True,
        split_digits=True,
        allow_whitespace_only_pieces=True,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        character_coverage=0.99,
        num_threads=1,
        hard_vocab_limit=False,
    )
    tokenizer = spm.SentencePieceProcessor(model_proto=model.getvalue())
    ids = range(tokenizer.get_piece_size())
    kind = lambda i: 2 if tokenizer.is_unknown(i) else 3 if tokenizer.is_control(i) else 6 if tokenizer.is_byte(i) else 1
    content = {
        "sentencepiece": spm.__version__,
        "tokens": [tokenizer.id_to_piece(i) for i in ids],
        "scores": [tokenizer.get_score(i) for i in ids],
        "types": [kind(i) for i in ids],
        "texts": [{"text": text, "ids": tokenizer.encode(text)} for text in TEXTS],
    }
    file = ROOT / "packages/models/fixtures/sentencepiece.json"
    file.write_text(json.dumps(content, ensure_ascii=True, separators=(",", ":")) + "\n")
    print(len(content["tokens"]), "tokens;", file.stat().st_size, "bytes")


main()
