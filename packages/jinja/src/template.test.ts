// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { jsonText, parseJson, Template, TemplateError } from './index.js';

interface Fixture {
  readonly jinja2: string;
  readonly values: Record<string, unknown>;
  /** `text` null: Jinja 2 refuses. */
  readonly cases: readonly { template: string; text: string | null; spans?: readonly (readonly number[])[] }[];
}

const fixture = (name: string) =>
  parseJson(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8')) as Fixture;

/** Text, or null where it is refused; anything but a TemplateError is a fault of ours. */
function rendered(template: string, values: Record<string, unknown>) {
  try {
    return new Template(template).render(values);
  } catch (error) {
    if (error instanceof TemplateError) return null;
    throw error;
  }
}

const faultOf = (template: string, values: Record<string, unknown> = {}): TemplateError => {
  try {
    new Template(template).render(values);
  } catch (error) {
    return error as TemplateError;
  }
  throw new Error('nothing was thrown');
};

describe('templates are rendered as by Jinja 2 3.1.6 under Transformers’ settings', () => {
  it.each(fixture('constructs').cases.map((each) => [each.template, each] as const))(
    '%s',
    (template, { text, spans }) => {
      const ours = rendered(template, fixture('constructs').values);
      expect(ours?.text ?? null).toBe(text);
      if (spans !== undefined) {
        const characters = (end: number) => Array.from(ours!.text.slice(0, end)).length;
        expect(ours!.generated.map((span) => span.map(characters))).toEqual(spans);
      }
    },
  );

  it('also 400 random ones', () => {
    const { values, cases } = fixture('random');
    expect(cases).toHaveLength(400);
    const different = cases.filter(({ template, text }) => (rendered(template, values)?.text ?? null) !== text);
    expect(different.map(({ template }) => template)).toEqual([]);
  });
});

describe('a template cannot', () => {
  const nested = (open: string, close: string, count: number) => open.repeat(count) + close.repeat(count);

  it.each([
    ['run on', '{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}'],
    [
      'grow a text',
      "{% set ns = namespace(x='aaaaaaaaaa') %}{% for i in range(40) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    ],
    ['repeat a text', "{{ 'ab' * 999999999999 }}"],
    ['pad a text', "{{ 'a'.center(999999999) }}"],
    ['pad a number', "{{ '%999999999d' % 1 }}"],
    ['pad by format', "{{ '{:>999999999}'.format(1) }}"],
    ['repeat a list', '{{ [1] * 999999999 }}'],
    ['grow a list', '{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}'],
    [
      'write a list in a list in …',
      '{% set ns = namespace(x=1) %}{% for i in range(40) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}',
    ],
    [
      'compare such lists',
      '{% set ns = namespace(x=1, y=1) %}{% for i in range(40) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}',
    ],
    ['compute large powers', '{{ 9 ** 9999999 ** 2 }}'],
    ['replace without end', "{% set x = 'a' * 100000 %}{{ x.replace('a', x) }}"],
    ['indent without end', "{{ 'a' | tojson(indent=999999999) }}"],
    ['call itself for ever', '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}'],
    [
      'be held up by tags that never close',
      "{% set s = '<' * 1000000 %}{% for i in range(99999) %}{{ s | striptags }}{% endfor %}",
    ],
    [
      'be held up by digits',
      "{% for i in range(99999) %}{{ '{:0999999,}'.format(1) }}{{ '%.999999f' % 1 }}{% endfor %}",
    ],
    ['hold itself', '{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}'],
  ])('%s', (_, template) => expect(faultOf(template).kind).toBe('limit'));

  it('be nested without end', () => {
    for (const template of [
      `{{ ${nested('(', ')', 5000)} }}`,
      `{{ ${nested('[', ']', 5000)} }}`,
      `{{ ${'not '.repeat(5000)}1 }}`,
      nested('{% if 1 %}', '{% endif %}', 5000),
    ]) {
      expect(faultOf(template).kind).toBe('syntax');
    }
  });

  it.each([
    "{{ ''.__class__.__mro__ }}",
    '{{ [].append(1) }}',
    '{{ {}.update({}) }}',
    "{{ '{0.__class__.x}'.format(1) }}",
    '{{ range.__globals__.x }}',
  ])('leave the sandbox: %s', (template) => expect(faultOf(template).kind).toBe('security'));

  it('reach JavaScript', () => {
    const text = new Template(
      "{{ ''.constructor }}{{ [].constructor }}{{ {}.constructor }}{{ {}['__proto__'] }}{{ [].length }}{{ x.toString }}",
    ).render({ x: {} }).text;
    expect(text).toBe('');
  });

  it('load others or write random text', () => {
    expect(faultOf("{% include 'x' %}").message).toContain('no loader');
    expect(faultOf('{{ [1, 2] | random }}').kind).toBe('unsupported');
  });
});

describe('an error', () => {
  it('names the line', () => {
    expect(faultOf('a\n{% if %}')).toMatchObject({ kind: 'syntax', line: 2 });
    expect(faultOf('a\r\nb\r\n{{ x.y }}')).toMatchObject({ kind: 'undefined', line: 3, message: "'x' is undefined" });
    expect(faultOf("{{ raise_exception('no tools') }}")).toMatchObject({ kind: 'raised', message: 'no tools' });
  });
});

describe('numbers keep what the file says', () => {
  it('from JSON to the template and back', () => {
    const text = '{"a": 1.0, "b": 12.30, "c": 12345678901234567890, "d": 1e5, "e": 0.1, "f": -7, "__proto__": 2.50}';
    const values = parseJson(text) as Record<string, unknown>;
    expect(new Template('{{ x }}').render({ x: values }).text).toBe(
      "{'a': 1.0, 'b': 12.3, 'c': 12345678901234567890, 'd': 100000.0, 'e': 0.1, 'f': -7, '__proto__': 2.5}",
    );
    expect(String(values['b'])).toBe('12.30');
    expect(jsonText({ a: values['c'], b: [true, null, 'é'] })).toBe(
      '{"a": 12345678901234567890, "b": [true, null, "é"]}',
    );
  });

  it('plain JSON is read as before', () => {
    expect(parseJson(' {"a": [1, -2, "x.5e", null, {}]} ')).toEqual({ a: [1, -2, 'x.5e', null, {}] });
    expect(() => parseJson('{"a": 1.}')).toThrow(SyntaxError);
  });
});
