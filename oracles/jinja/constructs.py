# SPDX-License-Identifier: Apache-2.0
"""Every construct that chat templates use, one to a line, over VALUES; and what Jinja 2 refuses."""
VALUES = {
    "s": " ab Cd  é漢🙂 ", "n": 7, "f": 2.5, "one": 1.0, "big": 2**70, "no": None, "yes": True,
    "l": [3, 1, 2], "w": ["b", "A", "c"], "d": {"b": 1, "a": None, "C": [1.0, "it's", '"'], "items": 9}, "e": [],
    "ms": [{"role": "user", "content": "q", "n": 2}, {"role": "assistant", "content": "a\n", "n": 1, "x": {"y": [5]}}],
}
TEMPLATES = r"""
{{ [true, none, 1.0, 1, 'a', "it's", 'x"y', '\n', 1e16, 1e-5, 1.5e300, (1,), (), {}, {'a': {1: 2.0}}, s, big] }}
{{ 1.0 }} {{ 100000.0 * 10 }} {{ 1e22 }} {{ 0.1 + 0.2 }} {{ -0.0 }} {{ 7 / 2 }} {{ 6 / 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ 2 ** 3 ** 2 }} {{ big * big }} {{ -2 ** 2 }}
{{ n + yes }} {{ yes * 3 }} {{ 1 == 1.0 == yes }} {{ 1 < 2 < 3 }} {{ 1 < 2 > 5 }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ 'é' > 'z' }} {{ none == no }} {{ {1: 'a'}[1.0] }} {{ {true: 'b'}[1] }}
{{ 'ab' * 3 }} {{ [1] * 2 + [2] }} {{ (1, 2) + (3,) }} {{ 'a' ~ 1 ~ none ~ 2.0 ~ [1] }} {{ '%s is %d, %5.1f%% %r %x' % ('a', 3, 2.25, 'q', 255) }} {{ '%(a)s' % {'a': 1} }} {{ '%-5s|%05d|%+d' % ('x', 42, 3) }}
{{ '{} {1}'.format(1) if false }}{{ '{} {}'.format(1, 'b') }} {{ '{0[a]} {x!r:>8}|'.format({'a': 1}, x='y') }} {{ '{:,} {:.2f} {:>6} {:^6}| {:08.3f} {:x} {:e} {:%}'.format(1234567, 2.675, 'a', 'b', 3.14159, 255, 12345.678, 0.25) }}
{{ s.strip() }}|{{ s.lstrip() }}|{{ s.rstrip() }}|{{ 'xxayx'.strip('xy') }}|{{ 'a,b,,c'.split(',') }} {{ ' a b  c '.split() }} {{ 'a b c'.split(' ', 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ' a b '.split(none, 1) }} {{ 'a\nb\r\nc'.splitlines() }}
{{ 'hello wORLD'.title() }} {{ 'hello'.capitalize() }} {{ 'Ab'.swapcase() }} {{ 'ab'.upper() }} {{ 'straße'.upper() }} {{ 'a-b'.partition('-') }} {{ 'a-b-c'.rpartition('-') }} {{ 'abc'.find('c') }} {{ 'abc'.index('b') }} {{ 'aXbX'.replace('X', '-', 1) }} {{ 'aa'.count('a') }}
{{ 'abc'.startswith(('x', 'a')) }} {{ 'abc'.endswith('bc') }} {{ 'abc'.startswith('b', 1) }} {{ 'a'.center(5, '*') }} {{ '7'.zfill(3) }} {{ 'a'.ljust(3) }}| {{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }} {{ '-'.join(['a', 'b']) }} {{ 'a\tb'.expandtabs(4) }}
{{ 'a1'.isalnum() }} {{ 'a'.isalpha() }} {{ '1'.isdigit() }} {{ ' '.isspace() }} {{ 'a'.islower() }} {{ 'Ab Cd'.istitle() }} {{ ''.isascii() }} {{ 'é'.isupper() }}
{{ s|length }} {{ s[3] }} {{ s[-2] }} {{ s[::-1] }} {{ s[1:4] }} {{ s[-3:] }} {{ l[1:] }} {{ l[::-1] }} {{ l[::2] }} {{ l[-1] }} {{ l[5] }} {{ (1, 2, 3)[1:] }} {{ l[:-1] }} {{ 'abc'[5:1] }} {{ 'abc'[:99] }}
{{ 5[:2] }}|{{ (0|default('d'))[1:] }}|{{ {'a': 1}[:1] }}|{{ 'ab'['x':] }}|{{ true[:1] }}|{{ none[::2] }}
{{ d.b }} {{ d['a'] }} {{ d.C[1] }} {{ d.zz }} {{ d['items'] }} {{ d.items()|list }} {{ d.keys() }} {{ d.values()|list }} {{ d.get('zz', 'no') }} {{ d.get('zz') }} {{ d|length }} {{ d|list }} {{ 'b' in d }} {{ 'z' not in d }} {{ d|items|list }}
{{ nothing }}|{{ nothing is defined }}|{{ nothing|length }}|{{ nothing|default('d') }}|{{ no|default('d') }}|{{ no|default('d', true) }}|{{ nothing|trim }}|{{ 'a' in nothing }}|{{ nothing == nope }}|{{ nothing|list }}|{{ not nothing }}|{{ nothing ~ 'x' }}|{{ nothing|join }}|{{ nothing|first }}
{{ 'a' if yes else 'b' }} {{ 'a' if no }}| {{ no or 'x' }} {{ yes and 'y' }} {{ not no }} {{ 1 if l else 2 }} {{ 'x' in 'xyz' }} {{ 5 in l }} {{ 3 not in l }}
{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.revindex }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('a', 'b') }}{{ loop.changed(x > 1) }};{% endfor %}
{% for k, v in d.items() %}{{ k }}={{ v }},{% endfor %}{% for a, (b, c) in [(1, (2, 3))] %}{{ a + b + c }}{% endfor %}{% for c in 'ab' %}{{ c }}{% else %}none{% endfor %}{% for c in e %}x{% else %}empty{% endfor %}
{% for x in range(9) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 5 %}text{% break %}{% endif %}{{ x }}{% endfor %}{% for x in l if x > 1 %}{{ loop.length }}{{ x }}{% endfor %}{% for x in l %}{% continue %}{% else %}else{% endfor %}
{% for x in [[1, [2]], [3]] recursive %}{{ loop.depth }}{% if x is iterable %}({{ loop(x) }}){% else %}{{ x }}{% endif %}{% endfor %}
{% set x = 1 %}{% for i in l %}{% set x = i %}{{ x }}{% endfor %}{{ x }}{% set ns = namespace(a=1, b='x') %}{% for i in l %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}{{ ns.b }}{{ ns }}{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set t = 1, %}{{ t }}
{% set x %} a {{ n }} {% endset %}[{{ x }}]{% set y | upper | trim %} b {% endset %}[{{ y }}]{% filter upper | replace('A', 'z') %}abc{% endfilter %}{% with a = 1, b = n %}{{ a + b }}{% endwith %}{{ a }}
{% macro m(a, b=2, c='x') %}({{ a }}{{ b }}{{ c }}{{ varargs }}{{ kwargs }}){% endmacro %}{{ m(1) }}{{ m(1, 3, 'y', 4, z=5) }}{{ m(b=1) }}{{ m.name }}{{ m.arguments }}
{% macro box(t) %}<{{ t }}:{{ caller('in') }}>{% endmacro %}{% call(x) box('T') %}{{ x }}-{{ n }}{% endcall %}{% macro r(k) %}{{ k }}{% if k > 0 %}{{ r(k - 1) }}{% endif %}{% endmacro %}{{ r(3) }}
{% for m in ms %}{{ m.role }}{{ m['content'] }}{{ n }}{% endfor %}{% set n = 3 %}{% macro g() %}{{ late }}{% endmacro %}{{ g() }}{% set late = 1 %}{{ g() }}
{{ ms|map(attribute='role')|join(',') }} {{ ms|selectattr('role', 'equalto', 'user')|list|length }} {{ ms|rejectattr('x', 'defined')|map(attribute='n')|list }} {{ l|select('gt', 1)|list }} {{ l|reject('odd')|list }} {{ w|map('upper')|list }} {{ ms|map(attribute='x.y.0', default='-')|list }} {{ ms|sum(attribute='n') }}
{{ l|sort }} {{ l|sort(reverse=true) }} {{ w|sort }} {{ w|sort(case_sensitive=true) }} {{ ms|sort(attribute='n')|map(attribute='role')|list }} {{ d|dictsort|list }} {{ w|unique|list }} {{ l|min }} {{ l|max }} {{ l|sum }} {{ l|first }} {{ l|last }} {{ l|reverse|list }} {{ l|batch(2, 0)|list }} {{ l|slice(2)|list }} {{ ms|groupby('role') }}
{{ '7'|int }} {{ '7.9'|int }} {{ 'x'|int(5) }} {{ '0x1f'|int(base=16) }} {{ '2.5'|float }} {{ 2.5|round }} {{ 3.5|round }} {{ 2.675|round(2) }} {{ 2.1|round(0, 'ceil') }} {{ 42|round }} {{ -5|abs }} {{ f|int }} {{ big|float }} {{ yes|int }}
{{ 'a b'|title }} {{ 'A'|lower }} {{ 'a'|upper }} {{ ' x '|trim }} {{ 'xax'|trim('x') }} {{ 'a'|center(5) }} {{ 'a\nb\n\nc'|indent(2) }} {{ 'a\nb'|indent(first=true) }} {{ 'foo bar baz qux'|truncate(9) }} {{ 'a b c'|wordcount }} {{ '%s-%s'|format(1, 'b') }} {{ 'abc'|replace('b', 'x') }} {{ 'ab'|list }} {{ 'ab'|reverse }} {{ 1.0|string }} {{ none|string }}
{{ d|tojson }} {{ ms|tojson(indent=2) }} {{ d|tojson(sort_keys=true) if false }}{{ {'b': 1, 'a': 2}|tojson(sort_keys=true, separators=(',', ':')) }} {{ 'é<"\n\u2028'|tojson }} {{ 'é🙂'|tojson(ensure_ascii=true) }} {{ [1.0, true, none, big]|tojson }} {{ []|tojson(indent=4) }} {{ {1: 2, none: 3}|tojson }}
{{ '<a>'|escape }} {{ '<a>'|safe + '<b>' }} {{ ('<a>'|safe) ~ '<b>' }} {{ '<a>'|safe|upper }} {{ {'a': '<'}|xmlattr }} {{ 'a b/c?'|urlencode }} {{ '<b>x</b>  y'|striptags }}
{{ n is number }} {{ n is integer }} {{ f is float }} {{ s is string }} {{ d is mapping }} {{ l is sequence }} {{ l is iterable }} {{ no is none }} {{ yes is boolean }} {{ yes is true }} {{ n is odd }} {{ n is divisibleby 7 }} {{ n is not even }} {{ 1 is in l }} {{ 'a' is lower }} {{ range is callable }} {{ n is eq 7 }} {{ n is sameas n }} {{ 'upper' is filter }} {{ x is defined and x }} {{ yes is number }}
{{ range(5)|list }} {{ range(1, 9, 3) }} {{ range(3)[1] }} {{ 2 in range(5) }} {{ dict(a=1, b=2) }} {{ cycler('a', 'b').next() }} {% set j = joiner('|') %}{{ j() }}a{{ j() }}b {{ namespace({'a': 1}).a }}
{% raw %}{{ not }} {% if %}{% endraw %}{# comment {{ }} #}{{- ' x ' -}}  y  {%- if yes -%}  z  {%- endif -%}  w
  {% if yes %}
  a
    {%- if no %}b{% else %}c{% endif +%}
  {% endif %}
{{ "\u00e9\x41\t\101\'" }} {{ 'a' 'b' }} {{ 1_000 }} {{ 0x1F }} {{ 0b11 }} {{ 1.5e3 }} {{ [1, 2,] }} {{ {'a': 1,} }} {{ d.C.0 }} {{ -1|abs }} {{ 1 - -1 }} {{ 2 * (3 + 4) }} {{ (1, 2)[0] }} {{ true and false or true }}
{{ strftime_now('%d %B %Y, %A %H:%M %j %y %b %-d %I %p') }}
{{ ''.__class__ }}|{{ l.append }}|{{ d.update }}|{{ ns.__init__ }}|{{ s._x }}|{{ {'__class__': 1}.__class__ }}|{{ {'__class__': 1}['__class__'] }}
{% generation %}a{{ n }}{% endgeneration %}-{% for m in ms %}{{ m.role }}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}
{% block b %}x{{ n }}{% endblock %}{% if yes %}{% set c = 1 %}{% endif %}{{ c }}{% if no %}{% set n = 1 %}{% endif %}{{ n }}{% print 1, 2 %}{% autoescape false %}<{% endautoescape %}
{{ raise_exception('no') }}
{{ nothing.x }}
{{ nothing + 1 }}
{{ 1 + 'a' }}
{{ l.append(1) }}
{{ ''.__class__.__mro__ }}
{{ 1 / 0 }}
{{ 'a' < 1 }}
{{ range(1000000) }}
{{ {}|tojson|nofilter }}
{% if no %}{{ 1|nofilter }}{% endif %}ok
{% include 'x' %}
{{ {[1]: 2} }}
{% for a, b in [(1,)] %}{% endfor %}
{% if x
{{ 'a }}
{% endfor %}
{{ nothing()|int }}
{% set d.b = 1 %}
{{ undefined_filter|join(1, 2, 3, 4) }}
""".strip("\n").split("\n")
# Some templates are more than one line.
at = TEMPLATES.index("  {% if yes %}")
TEMPLATES[at - 0:at + 4] = ["\n".join(TEMPLATES[at:at + 4]) + "\n"]
