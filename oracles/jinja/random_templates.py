# SPDX-License-Identifier: Apache-2.0
"""Random templates over the constructs that chat templates use, the same for the same seed."""
import random

VALUES = {
    "i": 7, "j": -3, "f": 2.5, "g": -0.125, "t": True, "none_": None, "s": " Ab cd-é漢🙂 ", "w": "x,y,,z", "q": "it's \"q\"\n",
    "l": [3, 1, 2, 2], "m": ["b", "A", "ab", ""], "e": [], "d": {"a": 1, "b": [1.0, None], "c": {"x": "y"}}, "o": [{"k": "b", "n": 2}, {"k": "a", "n": 1.0}, {"k": "B"}],
}
REPLACE = "replace('a', 'b')"
NAMES = [*VALUES, "missing", "x", "y"]
ARITHMETIC = ['+', '-', '*', '/', '//', '%', '~', '~', '+']
COMPARISONS = ['==', '!=', '<', '<=', '>', '>=', 'in', 'not in', 'and', 'or']
SIGNS = ['not ', '-', '+']
TEXTS = ['s', 'w', 'q', chr(39) + 'aXbXc' + chr(39)]
NEGATION = ['', 'not ']
TESTS = ['defined', 'undefined', 'none', 'string', 'number', 'integer', 'float', 'boolean', 'mapping', 'sequence', 'iterable', 'true', 'false', 'odd', 'even', 'divisibleby 2', 'in l', 'eq 1', 'lower', 'upper', 'callable', 'sameas none']
KEYS = ['1', chr(39) + 'z' + chr(39), 'none']
PERCENT = ['%s', '%s|%s', '%d', '%5.2f', '%r', '%x', '%-6s|', '%+d', '%05d', '%e', '%g']
FORMATS = ['{}', '{0}-{0}', '{!r}', '{:>8}', '{:<6}|', '{:^7}', '{:.2f}', '{:,}', '{:05d}', '{:x}', '{:.3}', '{:+}', '{:%}', '{:e}', '{:_}', '{:*^9}']
BLOCK_FILTERS = ['upper', 'trim', REPLACE, 'length', 'indent(2)']
SUBSCRIPTS = [".a", ".b", ".k", "[0]", "[-1]", "[1:]", "[:2]", "[::-1]", "[::2]", "[-2:]", "[5]", ".c.x", ".items()", ".keys()|list", ".get('a', 5)"]

SAFE_TESTS = [test for test in TESTS if test not in ("odd", "even", "divisibleby 2")]
TO_NUMBER = ["length", "count", "list|length", "map('string')|list|length"]
ON_NUMBER = ["abs", "round", "round(1)", "round(2, 'floor')", "int", "float", "default(1)", "round(1, 'ceil')"]
WORDS_TO_NUMBER = ["length", "int", "int(3)", "float", "wordcount"]
ON_WORDS = ["upper", "lower", "title", "capitalize", "trim", "trim('a ')", "string", "replace('a', 'b')", "replace('b', 'cc', 1)", "indent", "indent(2, true)", "center(9)", "truncate(5, true, '.', 0)", "truncate(6)", "escape", "urlencode", "reverse", "default('d', true)", "first", "list|join('-')", "tojson", "striptags"]
TO_WORDS = ["string", "tojson", "tojson(indent=2)", "tojson(sort_keys=true)", "default('d')", "default('d', true)"]
METHODS = ["strip()", "strip(' A')", "lstrip()", "rstrip('z,')", "upper()", "lower()", "title()", "capitalize()", "swapcase()", "replace('X', '-')", "replace(',', '', 1)", "zfill(9)", "ljust(9, '*')", "rjust(20)", "center(16)", "removeprefix('a')", "removesuffix('z')", "casefold()", "expandtabs()", "join(m)", "split('X')[0]", "partition(',')[0]"]
SPLITS = ["split(',')", "split()", "split(',', 1)", "split(none, 1)", "rsplit(',', 1)", "rsplit(none, 1)", "splitlines()", "splitlines(true)", "partition(',')", "rpartition('X')"]
ON_LIST = ["sort", "sort(reverse=true)", "unique|list", "reverse|list", "map('string')|list", "select|list", "reject('none')|list", "batch(2)|list", "batch(3, 'f')|list", "slice(2)|list", "list", "sort(case_sensitive=true)", "select('in', (1, 'A'))|list", "rejectattr('k')|list"]
ON_OBJECTS = ["map(attribute='k')|list", "selectattr('n')|list", "rejectattr('k', 'eq', 'a')|list", "groupby('k')", "sort(attribute='k')|list", "selectattr('n', 'defined')|list", "map(attribute='n', default=0)|list", "selectattr('k', 'in', ['a', 'B'])|list", "groupby('n', default=0)", "sort(attribute='k', reverse=true)", "unique(attribute='k')|list"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.pick = self.random.choice

    def literal(self):
        return self.pick(["0", "1", "2", "-1", "10", "1.0", "0.5", "2.5e3", "true", "false", "none", "'a'", "'b c'", "''", "\"it's\"", "'x\\ny'", "[]", "[1, 2]", "['a', 'b']", "{}", "{'a': 1}", "(1, 'z')", "1e20", "123456789012345678901", "'é🙂'"])

    def expression(self, depth):
        """Mostly of types that fit; now and then anything."""
        if self.random.random() < 0.06:
            return self.wild(depth)
        return self.pick([self.number, self.words, self.sequence, self.words, self.truth])(depth)

    def number(self, depth):
        if depth <= 0 or self.random.random() < 0.2:
            return self.pick(["i", "j", "f", "g", "t", "0", "1", "2.0", "10", "-5", "0.5", "1e16", "123456789012345678901"])
        n, kind = (lambda: self.number(depth - 1)), self.random.randrange(8)
        if kind < 2:
            return f"({n()} {self.pick(ARITHMETIC)} {n()})"
        if kind == 2:
            return f"({self.sequence(depth - 1)})|{self.pick(TO_NUMBER)}"
        if kind == 3:
            return f"({n()})|{self.pick(ON_NUMBER)}"
        if kind == 4:
            return f"{self.words(depth - 1)}|{self.pick(WORDS_TO_NUMBER)}"
        if kind == 5:
            return f"({n()} if {self.truth(depth - 1)} else {n()})"
        return f"{self.pick(['l[0]', 'l[-1]', 'd.a', 'o[0].n', '-i', '(1, 2)[1]', 'range(5)[2]'])}"

    def words(self, depth):
        if depth <= 0 or self.random.random() < 0.2:
            return self.pick(["s", "w", "q", "'a'", "'aXbXc'", "''", "m[1]", "missing|string", "'é🙂'"])
        x, kind = (lambda: self.words(depth - 1)), self.random.randrange(10)
        if kind == 0:
            return f"({x()} ~ {self.expression(depth - 1)})"
        if kind == 1:
            return f"({x()} + {x()})"
        if kind in (2, 3):
            return f"({x()})|{self.pick(ON_WORDS)}"
        if kind in (4, 5):
            return f"({x()}).{self.pick(METHODS)}"
        if kind == 6:
            percent = self.pick(PERCENT)
            return f"('{percent}' % ({self.number(depth - 1) if percent not in ('%s', '%r') else self.expression(depth - 1)},))"
        if kind == 7:
            form = self.pick(FORMATS)
            return f"'{form}'.format({self.number(depth - 1)})"
        if kind == 8:
            return f"({x()})[{self.pick(['1:', ':2', '::-1', '-2:', '::2', '0:1'])}]"
        return f"({self.expression(depth - 1)})|{self.pick(TO_WORDS)}"

    def sequence(self, depth):
        if depth <= 0 or self.random.random() < 0.25:
            return self.pick(["l", "m", "e", "o", "missing", "[1, 2]", "['b', 'A']", "(1, 2.0)", "d", "range(3)"])
        x, kind = (lambda: self.sequence(depth - 1)), self.random.randrange(8)
        if kind == 0:
            return f"[{self.expression(depth - 1)}, {self.expression(depth - 1)}]"
        if kind == 1:
            return f"{self.pick(['l', 'm', 'o'])}[{self.pick(['1:', ':2', '::-1', '-2:', '::2'])}]"
        if kind == 2:
            return f"{self.pick(['l', 'm'])}|{self.pick(ON_LIST)}"
        if kind == 3:
            return f"o|{self.pick(ON_OBJECTS)}"
        if kind == 4:
            return f"{self.words(depth - 1)}.{self.pick(SPLITS)}"
        if kind == 5:
            return self.pick(["d.items()|list", "d|items|list", "d|dictsort", "d.keys()|list", "d.values()|list", "d|list", "d.b"])
        if kind == 6:
            return f"({x()})|list"
        return f"{{'k': {self.expression(depth - 1)}, {self.pick(KEYS)}: {self.expression(depth - 1)}}}"

    def truth(self, depth):
        kind, n = self.random.randrange(7), lambda: self.number(depth - 1)
        if depth <= 0:
            return self.pick(["t", "missing", "none_", "l", "e", "s"])
        if kind == 0:
            return f"({n()} {self.pick(['==', '!=', '<', '<=', '>', '>='])} {n()})"
        if kind == 1:
            return f"({self.words(depth - 1)} {self.pick(['==', '!=', '<', '>', 'in', 'not in'])} {self.words(depth - 1)})"
        if kind == 2:
            return f"({self.expression(depth - 1)} {self.pick(['and', 'or', '==', '!='])} {self.expression(depth - 1)})"
        if kind == 3:
            return f"(not {self.truth(depth - 1)})"
        if kind == 4:
            return f"({self.expression(depth - 1)} {self.pick(['in', 'not in'])} {self.pick(['l', 'm', '(1, 2)', 'e', 'missing'])})"
        if kind == 5:
            return f"({n()} < {n()} < {n()})"
        return f"({self.expression(depth - 1)} is {self.pick(NEGATION)}{self.pick(SAFE_TESTS)})"

    def wild(self, depth):
        if depth <= 0 or self.random.random() < 0.15:
            return self.literal() if self.random.random() < 0.4 else self.pick(NAMES)
        e = lambda: self.expression(depth - 1)
        kind = self.random.randrange(16)
        if kind == 0:
            return f"({e()} {self.pick(ARITHMETIC)} {e()})"
        if kind == 1:
            return f"({e()} {self.pick(COMPARISONS)} {e()})"
        if kind == 2:
            return f"({e()} if {e()}{self.pick([' else ' + e(), ''])})"
        if kind == 3:
            return f"{self.pick(SIGNS)}{e()}"
        if kind == 4:
            return self.pick(NAMES) + self.pick([*SUBSCRIPTS, "[" + e() + "]"])
        if kind in (5, 6, 7):
            return f"({self.pick([e(), self.pick(NAMES)])})|{self.filter(e)}"
        if kind in (8, 9):
            return f"{self.pick(TEXTS)}.{self.method()}"
        if kind == 10:
            return f"({e()} is {self.pick(NEGATION)}{self.pick(TESTS)})"
        if kind == 11:
            return f"[{e()}, {e()}]"
        if kind == 12:
            return f"{{'k': {e()}, {self.pick(KEYS)}: {e()}}}"
        if kind == 13:
            return f"'{self.pick(PERCENT)}' % ({e()},)"
        if kind == 14:
            return f"'{self.pick(FORMATS)}'.format({e()})"
        return f"({e()}, {e()})"

    def filter(self, e):
        return self.pick(["length", "upper", "lower", "title", "capitalize", "trim", "trim('a ')", "string", "int", "int(9)", "float", "list", "first", "last", "join", "join(', ')", "sort", "sort(reverse=true)", "unique|list", "reverse|list", "min", "max", "sum", "abs", "round", "round(1)", "tojson", "tojson(indent=2)", "default('d')", "default('d', true)", "replace('a', 'b')", "replace('b', 'cc', 1)", "dictsort", "items|list", "map('string')|list", "map('upper')|join", "select|list", "reject('none')|list", "select('string')|list", "map(attribute='k')|list", "selectattr('n')|list", "rejectattr('k', 'eq', 'a')|list", "sum(attribute='n')", "groupby('k')", "sort(attribute='k')|list", "batch(2)|list", "slice(2)|list", "indent", "center(9)", "truncate(5, true, '.', 0)", "wordcount", "escape", "safe", "count", "attr('a')", "format(1)", "urlencode", "tojson(sort_keys=true)", "tojson(ensure_ascii=true)", f"default({e()})"])

    def method(self):
        return self.pick(["strip()", "strip(' A')", "lstrip()", "rstrip('z,')", "split(',')", "split()", "split(',', 1)", "rsplit(',', 1)", "rsplit(none, 1)", "splitlines()", "upper()", "lower()", "title()", "capitalize()", "swapcase()", "startswith(('a', ' '))", "endswith('z')", "find('b')", "rfind('X')", "index('x')", "count('X')", "replace('X', '-')", "replace(',', '', 1)", "partition(',')", "rpartition('X')", "zfill(9)", "ljust(9, '*')", "rjust(20)", "center(16)", "isspace()", "isalpha()", "islower()", "istitle()", "isdigit()", "join(m)", "removeprefix('a')", "removesuffix('z')", "format()", "casefold()", "expandtabs()", "isprintable()", "find('', 3)", "startswith('b', 2, 3)", "nosuch", "__class__"])

    def mark(self):
        return self.pick(["", "", "", "-", "+"])

    def text(self):
        return self.pick(["a", " b ", "\n", "  \n  ", "<|x|>", "\r\n", "é", "", " "])

    def statement(self, depth, inside=""):
        e = lambda: self.expression(2)
        body = lambda more="": "".join(self.text() + self.statement(depth - 1, inside + more) for _ in range(self.random.randrange(1, 3))) + self.text()
        tag = lambda content: "{%" + self.mark() + " " + content + " " + self.mark().replace("+", "") + "%}"
        kind = self.random.randrange(14) if depth > 0 else self.random.randrange(4)
        if kind < 3:
            return "{{" + self.mark().replace("+", "") + " " + e() + " " + self.mark().replace("+", "") + "}}"
        if kind == 3:
            return tag(f"set {self.pick(['x', 'y', 'ns.v' if 'n' in inside else 'x', 's'])} = {e()}")
        if kind in (4, 5):
            return tag(f"if {self.truth(2)}") + body() + (tag(f"elif {e()}") + body() if self.random.random() < 0.3 else "") + (tag("else") + body() if self.random.random() < 0.5 else "") + tag("endif")
        if kind in (6, 7):
            target, source = self.pick([("x", "l"), ("x", "o"), ("k, v", "d.items()"), ("x", "m if x"), ("x", "range(3)"), ("x", self.sequence(2)), ("i", "l if i > 1")])
            extra = self.pick(["{{ loop.index }}", "{{ loop.last }}", "{{ loop.length }}{{ loop.revindex0 }}", "{{ loop.previtem }}", "{{ loop.nextitem }}", "{{ loop.cycle('p', 'q') }}", "{{ loop.changed(x) }}", "{% if loop.index > 1 %}{% break %}{% endif %}", "{% if x %}u{% continue %}{% endif %}", "", "{{ x }}"])
            return tag(f"for {target} in {source}") + extra + body("l") + (tag("else") + body() if self.random.random() < 0.3 else "") + tag("endfor")
        if kind == 8:
            return tag("set x") + body() + tag("endset") + "{{ x }}"
        if kind == 9:
            return tag(f"filter {self.pick(BLOCK_FILTERS)}") + body() + tag("endfilter")
        if kind == 10:
            name = self.pick(["mac", "mad"])
            call = self.pick([f"{name}({e()})", f"{name}()", f"{name}(1, b={e()})", f"{name}(1, 2, 3)", f"{name}(c=1)"])
            return tag(f"macro {name}(a, b={e()})") + "{{ a }}" + self.pick(["", "{{ varargs }}", "{{ kwargs }}", "{{ caller() }}"]) + body() + tag("endmacro") + self.pick(["{{ " + call + " }}", "{% call " + call + " %}c{{ x }}{% endcall %}"])
        if kind == 11:
            return tag(f"set ns = namespace(v={e()})") + body("n") + "{{ ns.v }}"
        if kind == 12:
            return tag(f"with x = {e()}, z = {e()}") + body() + "{{ z }}" + tag("endwith")
        return self.pick(["{# c #}", "{#- c -#}", tag("raw") + "{{ x }}" + tag("endraw"), tag("generation") + body() + tag("endgeneration")])

    def template(self):
        return "".join(self.text() + self.statement(2) for _ in range(self.random.randrange(1, 3))) + self.text()


def random_cases(count, seed):
    generator = Generator(seed)
    return [(generator.template(), VALUES) for _ in range(count)]
