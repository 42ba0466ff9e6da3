# SPDX-License-Identifier: Apache-2.0
"""Prints which characters the Rust library `tokenizers` puts into its categories, as hexadecimal ranges: the tables of
packages/data/src/tokenization/unicode-tables.ts."""
from tokenizers import Regex, normalizers, pre_tokenizers

CHARACTERS = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]


def ranges(belongs):
    found = []
    for code in (ord(each) for each in CHARACTERS if belongs(each)):
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return " ".join(f"{first:x}" if first == last else f"{first:x}-{last:x}" for first, last in found)


def removed(normalizer):
    return lambda each: normalizer.normalize_str(each) == ""


def matched(pattern):
    split = pre_tokenizers.Split(Regex(pattern), "removed")
    return lambda each: split.pre_tokenize_str(each) == []


bert = lambda **on: normalizers.BertNormalizer(**{"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False, **on})
cut = pre_tokenizers.BertPreTokenizer()
forms = [getattr(normalizers, name)() for name in ("NFD", "NFKC", "NFKD")]
TABLES = {
    "punctuation": lambda each: len(cut.pre_tokenize_str("a" + each)) == 2,
    "nonspacingMarks": removed(bert(strip_accents=True)),
    "marks": removed(normalizers.StripAccents()),
    "controls": removed(bert(clean_text=True)),
    "changed by a form (those that Unicode changes and these do not are unknownToForms)": lambda each: any(form.normalize_str(each) != each for form in forms),
    "assigned for Oniguruma (those that Unicode 17 has beyond these are assignedIn17)": matched("\\P{Cn}"),
}

if __name__ == "__main__":
    for name, belongs in TABLES.items():
        print(f"{name}:\n{ranges(belongs)}\n")
