# SPDX-License-Identifier: Apache-2.0
"""Templates that want out of the sandbox or more than their share: none may crash, take over 2 s or 64 MiB, or print
what only the inside of an interpreter holds. They run in processes of 50, whose memory is watched.
    python hostile.py N            N of them (1,000: about 4 minutes)
    python hostile.py N --write    N of them as packages/jinja/fixtures/hostile.json"""
import json
import random
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
pick = None
ESCAPES = ["__class__", "__mro__", "__init__", "__globals__", "__builtins__", "__proto__", "constructor", "prototype", "toString", "valueOf", "__defineGetter__", "__subclasses__", "gi_frame", "func_globals", "_undefined_exception", "call", "apply", "bind"]
ROOTS = ["''", "[]", "{}", "1", "1.5", "none", "true", "range", "namespace()", "dict", "loop", "self", "cycler", "joiner()", "missing", "messages", "raise_exception", "strftime_now", "m", "(1,)", "''.strip", "[].index", "'a'|safe", "messages|map('upper')"]
KEPT = ["l|batch(1)|list", "l|slice(99999)|list", "l|slice(99999, 0)|list", "l|map('string')|list", "l|unique|list", "l|groupby('real')|list", "l|map('float')|list", "l|sort", "l|reverse|list", "d.items()|list", "d|dictsort", "s|list", "s.split('a')", "l|map('tojson')|list", "namespace(a=l|batch(2)|list)", "dict(a=l)", "d.copy()", "(l|join(',')).split(',')", "l|select('odd')|list", "l|string", "[l|tojson]", "l|map('upper')|list"]
BIG = ["999999999", "10 ** 12", "2 ** 62", "99999", "123456789012345678901234567890"]


def escape():
    path = pick(ROOTS)
    for _ in range(pick([1, 2, 3, 4])):
        name = pick(ESCAPES)
        path = pick([f"({path}).{name}", f"({path})['{name}']", f"(({path})|attr('{name}'))", f"({path})['{name[:3]}' ~ '{name[3:]}']", f"({path}).{name}()", f"('{{0.{name}}}'.format({path}))", f"([{path}]|map(attribute='{name}')|list)", f"({path}).{name}('return process')"])
    return "{% macro m() %}{% endmacro %}{% for i in [1] %}{{ " + path + " }}{% endfor %}"


def bomb():
    big = pick(BIG)
    return pick([
        f"{{% for i in range(100000) %}}{{% for j in range(100000) %}}{pick(['', 'a', '{{ i * j }}', '{% set x = [i, j] %}'])}{{% endfor %}}{{% endfor %}}",
        "{% set ns = namespace(x=" + pick(["'ab'", "[1]", "(1,)"]) + ") %}{% for i in range(90) %}{% set ns.x = ns.x " + pick(["+", "+"]) + " ns.x %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x='a') %}{% for i in range(99999) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(l=[], s='" + "ab" * 50 + "' * 30000) %}{% for i in range(99999) %}{% set ns.l = ns.l + [ns.s ~ i] %}{{ 'z' in ns.l[-1] }}{% endfor %}",
        "{% set ns = namespace(l=[], s='ab' * 1000000) %}{% for i in range(99999) %}{% set ns.l = ns.l + [(ns.s ~ i)." + pick(["upper()", "strip('x')", "replace('a', 'b')", "split('q')", "title()", "center(3000000)"]) + "] %}{% endfor %}",
        f"{{{{ 'ab' * {big} }}}}", f"{{{{ [1] * {big} }}}}", f"{{{{ 'a'.{pick(['center', 'ljust', 'rjust', 'zfill'])}({big}) }}}}",
        f"{{{{ '%{pick(['999999999', '99999999'])}{pick('dsfgxe')}' % 1 }}}}", f"{{{{ '%.{pick(['999999999', '99999999'])}{pick('fgex')}' % 1 }}}}", "{{ '%*d' % (" + big + ", 1) }}",
        f"{{{{ '{{:{pick(['>', '<', '^', '0', ''])}999999999{pick(['', 'd', 'f', '.99999999f'])}}}'.format(1) }}}}", "{{ '{:{}}'.format(1, '>" + "9" * 9 + "') }}",
        f"{{{{ 9 ** {big} }}}}", f"{{{{ (2 ** 60000) {pick(['*', '**', '+', '//'])} (2 ** 60000) }}}}", "{% set ns = namespace(x=3) %}{% for i in range(99) %}{% set ns.x = ns.x * ns.x %}{% endfor %}{{ ns.x }}",
        f"{{{{ 'x' | {pick(['center', 'indent', 'tojson(indent=', 'batch', 'slice', 'truncate'])}{'' if False else '('}{big}) }}}}".replace("indent=(", "indent="),
        f"{{{{ [1] | {pick(['batch', 'slice'])}({big}, 0) | list }}}}", f"{{{{ {{'a': 1}} | tojson(indent={big}) }}}}", f"{{{{ range({big}) | list }}}}",
        "{% macro m(x) %}" + pick(["{{ m(x) }}", "{{ m(x ~ x) }}", "{{ m([x, x]) }}", "{% call m(x) %}{% endcall %}", "{{ m(x) }}{{ m(x) }}"]) + "{% endmacro %}{{ m('a') }}",
        "{% set ns = namespace() %}{% set ns.x = " + pick(["[ns]", "{'a': ns}", "(ns,)", "ns"]) + " %}{{ ns" + pick(["", "|string", "|tojson", ".x == ns.x", "|pprint"]) + " }}",
        "{% set ns = namespace(x=1) %}{% for i in range(60) %}{% set ns.x = " + pick(["[ns.x, ns.x]", "{'a': ns.x, 'b': ns.x}", "(ns.x, ns.x)"]) + " %}{% endfor %}{{ ns.x" + pick(["", "|tojson", " == [ns.x]", "|string|length", " in [ns.x]", "|sort|list"]) + " }}",
        "{% for x in [[1]] recursive %}{{ loop([[x]]) }}{% endfor %}", "{{ " + "(" * pick([50, 500, 5000]) + "1" + ")" * 5000 + " }}", "{{ " + "-" * 5000 + "1 }}", "{% if 1 %}" * pick([80, 300, 3000]), "{{ [" * 400 + "]" * 400, "{{ 1" + "|string" * 5000 + " }}", "{{ 'a'" + " ~ 'a'" * 20000 + " }}", "{{ 'a'" + "+'a'" * 20000 + " }}", "{{ a" + ".b" * 20000 + " }}",
        "{% set s = 'a' * 2000000 %}{{ s.replace('a', s) }}", "{% set s = 'a ' * 1000000 %}{% for i in range(999) %}{% set x = s.split() %}{% endfor %}", "{% set s = 'a' * 1000000 %}{% for i in range(99999) %}{% if s.find('b') > 0 or 'b' in s or s == s ~ '' %}{% endif %}{% endfor %}",
        "{% set s = ' ' * 1000000 ~ 'x' %}{{ s.strip() }}{{ s|striptags }}{{ s.split() }}", "{% set s = '<' * 1000000 %}{{ s|striptags }}", "{% set s = '{' * 1000000 %}{{ s.format() }}", "{% set s = '%' * 999999 %}{{ s % () }}", "{% set s = '{0}' * 100000 %}{{ s.format(s) }}", "{% set s = '%s' * 100000 %}{{ s % s }}", "{% set s = '(' * 100000 %}{{ ('%' ~ s) % {} }}",
        "{% set l = range(99999)|list %}{% for i in range(99999) %}{% set x = l|sort(reverse=true) %}{% endfor %}", "{% set l = range(99999)|list %}{% for i in range(99999) %}{% set x = l[::-1] %}{{ -1 in l }}{% endfor %}", "{% set l = range(99999)|list %}{% for x in l %}{{ l|sum }}{% endfor %}", "{% set ns = namespace(l=[]) %}{% set l = range(99999)|list %}{% set s = 'ab' * 50000 %}{% set d = messages[0] %}{% for i in range(99999) %}{% set ns.l = ns.l + [" + pick(KEPT) + "] %}{% endfor %}",
        "{% for i in range(99999) %}{% for m in messages %}{{ i }}{% endfor %}{% endfor %}",
        "{% set ns = namespace(x=2 ** " + pick(["30000", "60000"]) + ") %}{% for i in range(99999) %}{% set y = " + pick(["ns.x * ns.x", "ns.x + ns.x", "ns.x // 3", "ns.x % 7", "-ns.x", "ns.x / 3", "[ns.x + i]", "ns.x == ns.x + 1"]) + " %}{% endfor %}",
        "{% filter upper %}" * 60 + "{{ 'a' * 3000000 }}" + "{% endfilter %}" * 60,
    ])


def hostile(count):
    global pick
    pick = random.Random(7).choice
    return [escape() if at % 2 else bomb() for at in range(count)]


def write(count):
    file = HERE.parents[1] / "packages" / "jinja" / "fixtures" / "hostile.json"
    file.write_text(json.dumps(hostile(count), indent=1) + "\n")
    return 0


def main(count):
    cases = hostile(count)
    worst, memory, kinds, bad = 0, 0, {}, 0
    for first in range(0, count, 50):
        batch = cases[first:first + 50]
        lines = "".join(json.dumps({"template": text, "values": {"messages": [{"role": "user", "content": "q"}]}}) + "\n" for text in batch)
        done = subprocess.run(["node", "--max-old-space-size=256", "--expose-gc", str(HERE / "render.mjs"), "--collect"], input=lines, capture_output=True, text=True, timeout=150)
        answers = [json.loads(line) for line in done.stdout.split("\n") if line]
        if len(answers) != len(batch):
            print("DIED", done.stderr[-300:], batch[len(answers)][:300])
            bad += 1
        for text, answer in zip(batch, answers):
            worst, memory = max(worst, answer["ms"]), max(memory, answer["grown"])
            kind = answer.get("kind", "text" if "text" in answer else "crash")
            kinds[kind] = kinds.get(kind, 0) + 1
            leaks = any(word in answer.get("text", "") for word in ("native code", "<class", "0x", "function Object", "[object"))
            if kind == "crash" or leaks or answer["ms"] > 2000 or answer["grown"] > 64 * 2**20:
                bad += 1
                print(f"{answer['ms']:.0f} ms {answer['grown'] / 2**20:.0f} MiB", kind, leaks, text[:200], str(answer.get("crash"))[:200])
    print(json.dumps({"templates": count, "slowest ms": round(worst), "most MiB": round(memory / 2**20), **kinds, "bad": bad}))
    return bad


if __name__ == "__main__":
    sys.exit((write if "--write" in sys.argv else main)(int(sys.argv[1])) > 0)
