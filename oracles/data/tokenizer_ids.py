# SPDX-License-Identifier: Apache-2.0
"""Ids of the Rust library `tokenizers`: of 5,000 strings for every tokenizer of the shared test data (as one hash for each
block of strings, so that the fixture holds no vocabulary), and of a few strings for small tokenizers of our own, one for
each part of tokenizer.json. Needs the shared data (LLMF_TEST_DATA, or shared/data beside the checkout)."""
import hashlib
import json
import os
from pathlib import Path

import tokenizers
from tokenizers import Tokenizer

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = Path(os.environ.get("LLMF_TEST_DATA", ROOT.parent / "shared" / "data")) / "tokenizers"
OUT = ROOT / "packages" / "data" / "fixtures" / "tokenizers.json"
COUNT, BLOCK = 5000, 100

# Strings are put together of these by the generator below, which the test repeats.
PIECES = [
    "the", "The", "THE", "don't", "I'LL", "we've", "it'ſ", "K", "o'clock", "hello", "world", "naïve", "naïve", "Straße", "İstanbul", "ΟΔΟΣ", "ΣΑΣ Σ", "ǅ", "ﬁne", "ﬃ",
    "Привет", "мир", "Ελλάδα", "שָׁלוֹם", "مرحبا", "بِسْمِ", "नमस्ते", "क्षत्रिय", "বাংলা", "ਪੰਜਾਬੀ", "தமிழ்", "తెలుగు", "ಕನ್ನಡ", "മലയാളം", "සිංහල", "ภาษาไทย", "ພາສາລາວ", "བོད་", "မြန်မာ", "ქართული", "Հայերեն", "አማርኛ", "ខ្មែរ", "ᓄᓇᕗᑦ", "ᏣᎳᎩ", "漢字", "かな", "カタカナ", "ｶﾅ", "ーー", "한국어", "한글", "𠀀𠮷", "𝔘𝔫𝔦", "𝟙𝟚", "Ⅷ", "²½", "١٢٣", "１２３", "1234567", "3.14", "-0", "1,000",
    " ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\r", " \n ", "\u00a0", "\u2003", "\u3000", "\u200b", "\u200d", "\u200e", "\u202f", "\u2028", "\u2029", "\ufeff", "\u0085", "\u1680", "\u180e", "\u00ad",
    "🙂", "👩‍👩‍👧", "🏳️‍🌈", "👍🏽", "🇯🇵", "❤️", "☃", "™", "€", "©", "…", "—", "’", "“”", "、。", "¿¡", "•", "▁", "▁▁", "Ġ", "ģ",
    "\u0301", "a\u0301", "e\u0323\u0302", "\u0345", "\u20e3", "Z͑ͫ̓ͪ̂ͫ", "\u0000", "\u0001", "\u0007", "\u001b[0m", "\u007f", "\u009f", "\ufffd", "\ue000", "\U000e0001", "\U0010fffd",
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<s>", "</s>", "<unk>", "<pad>", "[INST]", "[/INST]", "<|begin_of_text|>", "<extra_id_0>", "<|vision_start|>", "<|image_pad|>", "<0x0A>", "<mask>", "[MASK]",
    "def f(x):", "    return x", "{\"a\": [1, 2]}", "https://a.b/c?d=e#f", "a_b-c", "!!", "?!", "...", "'s", "'", "\"", "\\n", "$", "%", "#@", "()", "[[", "}}", "<b>", "a", "b", "ab", "aab", "x",
]
# Characters are also drawn from these.
RANGES = [[0x20, 0x7E], [0xA0, 0x24F], [0x300, 0x36F], [0x370, 0x3FF], [0x400, 0x4FF], [0x590, 0x6FF], [0x900, 0xDFF], [0xE00, 0xFFF], [0x1100, 0x11FF], [0x1E00, 0x1FFF], [0x2000, 0x2BFF], [0x3000, 0x33FF], [0x4E00, 0x9FFF], [0xA000, 0xABFF], [0xAC00, 0xD7A3], [0xF900, 0xFFFD], [0x10000, 0x10FFF], [0x1D400, 0x1D7FF], [0x1F000, 0x1FAFF], [0x20000, 0x2A6DF], [0x860, 0x8FF], [0x1AB0, 0x1AFF], [0x10920, 0x10FFF], [0x11000, 0x11FFF], [0x16D40, 0x16FFF], [0x1E000, 0x1E6FF], [0x323B0, 0x33479], [0x24B6, 0x24E9]]


def strings(count, seed):
    """Park and Miller's generator: state · 48271 modulo 2³¹ − 1."""
    state = seed

    def draw(below):
        nonlocal state
        state = state * 48271 % 2147483647
        return state % below

    made = []
    for _ in range(count):
        text = ""
        for _ in range(1 + draw(16)):
            if draw(4) > 0:
                text += PIECES[draw(len(PIECES))]
            else:
                first, last = RANGES[draw(len(RANGES))]
                for _ in range(1 + draw(3)):
                    text += chr(first + draw(last - first + 1))
            if draw(3) == 0:
                text += " "
        made.append(text)
    return made


def block_hashes(tokenizer, texts):
    hashes = []
    for start in range(0, len(texts), BLOCK):
        lines = [",".join(map(str, tokenizer.encode(text, add_special_tokens=False).ids)) for text in texts[start : start + BLOCK]]
        hashes.append(hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16])
    return hashes


LETTERS = list("abcdefghijklmnopqrstuvwxyz ▁'.,σς") + ["é", "e\u0301", "ñ", "漢", "字", "🙂", "1", "2", "３", "Ġ"]
vocab = lambda pieces: {piece: at for at, piece in enumerate(dict.fromkeys(pieces))}
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
CHARSMAP = None


def bpe(**more):
    pieces = more.pop("pieces", ["<unk>", *LETTERS, "th", "the", "he", "an", "and", "aab", "ab", "aa"])
    merges = more.pop("merges", [["t", "h"], ["th", "e"], ["h", "e"], ["a", "n"], ["a", "b"], ["a", "a"], ["a", "ab"]])
    return {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "vocab": vocab(pieces), "merges": merges, **more}


def file(model, normalizer=None, pre_tokenizer=None, decoder=None, added=()):
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": list(added), "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "post_processor": None, "decoder": decoder, "model": model}


def added(id, content, **flags):
    return {"id": id, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True, **flags}


def unigram(pieces, unk=0, byte_fallback=False):
    return {"type": "Unigram", "unk_id": unk, "vocab": [[piece, -float(at) / 3] for at, piece in enumerate(dict.fromkeys(pieces))], "byte_fallback": byte_fallback}


def split(pattern, behavior, invert=False):
    return {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}


def small():
    """Name → tokenizer.json: every part at least once, each with a vocabulary that shows where it cuts."""
    words = {"type": "WordLevel", "vocab": vocab(["<unk>", "the", "The", "hello", "world", "a", "b", "ab", "x", "don", "t", "'", "漢字", "1234567", " ", "▁the", "  "]), "unk_token": "<unk>"}
    size = len(bpe()["vocab"])
    made = {f"bpe {name}": file(bpe(**more)) for name, more in {
        "plain": {}, "fuse_unk": {"fuse_unk": True}, "no unk": {"unk_token": None}, "ignore_merges": {"ignore_merges": True, "merges": []},
        "byte_fallback": {"byte_fallback": True, "pieces": ["<unk>", *BYTES, *LETTERS, "ab", "aab"], "merges": ["a b", "a ab"]},
        "some bytes": {"byte_fallback": True, "fuse_unk": True, "pieces": ["<unk>", *BYTES[:200], *LETTERS, "ab"], "merges": ["a b"]},
        "prefix": {"continuing_subword_prefix": "##", "pieces": ["<unk>", *LETTERS, *["##" + each for each in LETTERS], "ab", "aab", "##ab"], "merges": [["##a", "##b"], ["a", "##b"], ["a", "##ab"]]},
        "suffix": {"end_of_word_suffix": "</w>", "pieces": ["<unk>", *LETTERS, *[each + "</w>" for each in LETTERS], "ab</w>", "th", "the</w>"], "merges": [["a", "b</w>"], ["t", "h"], ["th", "e</w>"]]},
        "twice": {"merges": [["a", "b"], ["t", "h"], ["th", "e"], ["a", "a"], ["a", "b"]]},
    }.items()}
    for name in ["prefix", "suffix"]:
        made[f"bpe {name}"]["pre_tokenizer"] = {"type": "Whitespace"}
    for name, step in {
        "Whitespace": {"type": "Whitespace"}, "WhitespaceSplit": {"type": "WhitespaceSplit"}, "BertPreTokenizer": {"type": "BertPreTokenizer"}, "FixedLength": {"type": "FixedLength", "length": 3},
        "Digits": {"type": "Digits", "individual_digits": False}, "individual Digits": {"type": "Digits", "individual_digits": True}, "CharDelimiterSplit": {"type": "CharDelimiterSplit", "delimiter": "a"},
        **{f"Punctuation {behavior}": {"type": "Punctuation", "behavior": behavior} for behavior in ["Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"]},
        **{f"Split {behavior}{' inverted' if invert else ''}": split({"Regex": "\\s|\\w{2}"}, behavior, invert) for behavior in ["Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"] for invert in [False, True]},
        "Split String": split({"String": "a."}, "Isolated"), "Split ignoring case": split({"Regex": "(?i:the|k|s)|\\p{Han}+|[[:punct:]]++"}, "Isolated"), "Split empty matches": split({"Regex": "x*"}, "Isolated"),
        "Metaspace always": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}, "Metaspace first": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}, "Metaspace never whole": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": False},
        "ByteLevel with a space": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}, "ByteLevel without words": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
        "Sequence": {"type": "Sequence", "pretokenizers": [split({"String": " "}, "MergedWithPrevious"), {"type": "Digits", "individual_digits": True}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}]},
    }.items():
        # Characters that a piece holds stay in its ids; `</w>` marks where each piece ends.
        every = ["<unk>", *LETTERS, *[each + "</w>" for each in LETTERS]]
        made[f"cut by {name}"] = file(bpe(pieces=every, merges=[], end_of_word_suffix="</w>"), pre_tokenizer=step, added=[added(len(every), "<s>")])
    for name, step in {
        **{form: {"type": form} for form in ["NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt"]},
        "Strip": {"type": "Strip", "strip_left": True, "strip_right": True}, "Strip left": {"type": "Strip", "strip_left": True, "strip_right": False}, "Prepend": {"type": "Prepend", "prepend": "▁"},
        "Replace": {"type": "Replace", "pattern": {"Regex": " {2,}|\\h"}, "content": "x"}, "Replace String": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        "Bert": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}, "Bert cased": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": False},
        "Sequence": {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}, {"type": "Prepend", "prepend": "▁"}]}, "ByteLevel": {"type": "ByteLevel"},
    }.items():
        made[f"rewritten by {name}"] = file(bpe(byte_fallback=True, pieces=["<unk>", *BYTES], merges=[]), normalizer=step)
    made["WordLevel"] = file(words, pre_tokenizer={"type": "Whitespace"})
    made["WordPiece"] = file({"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 6, "vocab": vocab(["[UNK]", "the", "hel", "##lo", "##o", "w", "##orld", "a", "##b", "##a", "漢", "##字"])}, pre_tokenizer={"type": "BertPreTokenizer"}, decoder={"type": "WordPiece", "prefix": "##", "cleanup": True})
    pieces = ["<unk>", "▁", "▁the", "the", "a", "b", "ab", "aab", "▁a", "e", "t", "h", "o", "l", "hel", "lo", "漢字"]
    made["Unigram"] = file(unigram(pieces), pre_tokenizer={"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}, decoder={"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True})
    made["Unigram bytes"] = file(unigram(["<unk>", *BYTES, *pieces[1:]], byte_fallback=True))
    flags = {"single_word": True}, {"lstrip": True}, {"rstrip": True}, {"lstrip": True, "rstrip": True, "normalized": True, "special": False}, {"normalized": True, "special": False}, {}
    for flag, name in zip(flags, ["single_word", "lstrip", "rstrip", "both and normalized", "normalized", "plain"]):
        made[f"added {name}"] = file(bpe(), normalizer={"type": "Lowercase"}, pre_tokenizer={"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}, added=[added(size, "The", **flag), added(size + 1, "Hello", **flag), added(size + 2, "Hello world", **flag), added(3, "漢", **flag)])
    return made


SMALL = [
    "", "the", "The hello world", "hello  world ", "aab ab b aab", "theThe The, the", "Hello world", "HELLO WORLD Hello worlds hello", "a.b,c'd", "don't", "ΟΔΟΣ σας", "naïve nai\u0308ve", "漢字 漢", "a漢b", "🙂 x🙂🙂y", "1234567 １２", "x\u00a0y\u3000z\u0085w\ufeffv", "  The  ", "\tThe\n Hello world\r\nthe", "<s> a<s>b <s>", "a  b   c", "xx  xaxx", "\u0301e\u0301", "İ ſ K", "½²", "_the_ the_ The1", "a\u200bthe", "\u0000\u0001b\u007f", "▁the ▁", "ﬁ ①", "e.\"'!?a", "한국어", "𠮷a𠮷", "\ufffd\u0378", "\u088f\u0897a\u0301", "a\u1acf\U0001e6c0 ⓐb½", "\u061d\u2e52a\u0897", "a\U00011383e\u0301",
]


def shared():
    texts = strings(COUNT, 1)
    made = {}
    for folder in sorted(FOLDERS.iterdir()):
        if (folder / "tokenizer.json").exists():
            made[folder.name] = block_hashes(Tokenizer.from_file(str(folder / "tokenizer.json")), texts)
    return made


def small_ids():
    made = {}
    for name, source in small().items():
        tokenizer = Tokenizer.from_str(json.dumps(source))
        ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in SMALL]
        made[name] = {"file": source, "ids": ids, "texts": [tokenizer.decode(each) for each in ids] if source["decoder"] else None}
    return made


if __name__ == "__main__":
    fixture = {"made_by": f"oracles/data/tokenizer_ids.py, tokenizers {tokenizers.__version__}", "count": COUNT, "block": BLOCK, "pieces": PIECES, "ranges": RANGES, "shared": shared(), "smallTexts": SMALL, "small": small_ids()}
    OUT.write_text(json.dumps(fixture, ensure_ascii=True, separators=(",", ":")) + "\n")
    print(OUT, OUT.stat().st_size, "bytes;", len(fixture["shared"]), "folders,", len(fixture["small"]), "small tokenizers")
