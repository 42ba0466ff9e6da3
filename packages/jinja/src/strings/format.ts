// SPDX-License-Identifier: Apache-2.0
import { allocateItems, allocateText, nested } from '../runtime/budget.js';
import { TemplateError, valueError } from '../template-error.js';
import { repr, str } from '../values/repr.js';
import type { Named, Value } from '../values/value.js';
import { asciiRepr } from './ascii.js';
import { formatWithSpec } from './format-spec.js';

/** How fields get at what is inside a value: by the sandbox's rules. */
export interface Access {
  attribute(object: Value, name: string): Value;
  item(object: Value, key: Value): Value;
}

/** Python's `text.format(…)` as the sandbox has it. */
export function format(text: string, positional: readonly Value[], named: Named, access: Access): string {
  return new Formatter(positional, named, access).format(text, 2);
}

class Formatter {
  /** Number of the next `{}`; null once fields are numbered by hand. */
  #next: number | null = 0;
  #isNumbered = false;

  constructor(
    private readonly positional: readonly Value[],
    private readonly named: Named,
    private readonly access: Access,
  ) {}

  format(text: string, depth: number): string {
    if (depth < 0) throw valueError('Max string recursion exceeded');
    let result = '';
    for (let at = 0; at < text.length;) {
      const brace = text.slice(at).search(/[{}]/);
      if (brace === -1) return checked(result + text.slice(at));
      result += text.slice(at, at + brace);
      at += brace;
      if (text[at + 1] === text[at]) {
        result += text[at];
        at += 2;
      } else if (text[at] === '}') throw valueError("Single '}' encountered in format string");
      else {
        const end = fieldEnd(text, at + 1);
        allocateItems(8);
        result += nested(() => this.#field(text.slice(at + 1, end), depth));
        at = end + 1;
      }
    }
    return checked(result);
  }

  #field(field: string, depth: number): string {
    const { name, conversion, spec } = fieldParts(field);
    const value = this.#value(name);
    const converted = conversion === null ? value : convert(value, conversion);
    return formatWithSpec(converted, spec.includes('{') ? this.format(spec, depth - 1) : spec);
  }

  #value(name: string): Value {
    const [first, ...steps] = name.match(/^[^.[]*|\.[^.[]*|\[[^\]]*\]?/g) ?? [''];
    let value = this.#first(first!);
    for (const step of steps) {
      if (step.startsWith('.')) value = this.access.attribute(value, nonEmpty(step.slice(1)));
      else value = this.access.item(value, indexOrText(nonEmpty(step.slice(1, -1))));
    }
    return value;
  }

  #first(name: string): Value {
    if (name !== '' && !/^\d+$/.test(name)) {
      const value = this.named.get(name);
      if (value === undefined) throw new TemplateError('runtime', repr(name), 'KeyError');
      return value;
    }
    const value = this.positional[this.#index(name)];
    if (value === undefined)
      throw new TemplateError('runtime', 'Replacement index out of range for positional args tuple', 'IndexError');
    return value;
  }

  #index(name: string): number {
    if (name === '' ? this.#isNumbered : this.#next !== null && this.#next > 0)
      throw valueError('cannot switch between manual field specification and automatic field numbering');
    if (name !== '') {
      this.#isNumbered = true;
      return Number(name);
    }
    return this.#next!++;
  }
}

function checked(text: string): string {
  allocateText(text.length);
  return text;
}

/** The brace that closes the field; braces inside it belong to its spec. */
function fieldEnd(text: string, start: number): number {
  let open = 1;
  for (let at = start; at < text.length; at++) {
    if (text[at] === '{') open++;
    else if (text[at] === '}' && --open === 0) return at;
  }
  throw valueError(
    start === text.length ? "Single '{' encountered in format string" : "expected '}' before end of string",
  );
}

function fieldParts(field: string): { name: string; conversion: string | null; spec: string } {
  const match = /^((?:\[[^\]]*\]|[^!:[])*)(?:!([^:]*))?(?::(.*))?$/s.exec(field);
  if (match === null) throw valueError("expected ':' after conversion specifier");
  const conversion = match[2];
  if (conversion !== undefined && conversion.length !== 1)
    throw valueError(
      conversion === ''
        ? 'end of string while looking for conversion specifier'
        : "expected ':' after conversion specifier",
    );
  return { name: match[1]!, conversion: conversion ?? null, spec: match[3] ?? '' };
}

function convert(value: Value, conversion: string): Value {
  if (conversion === 's') return str(value);
  if (conversion === 'r') return repr(value);
  if (conversion === 'a') return asciiRepr(value);
  throw valueError(`Unknown conversion specifier ${conversion}`);
}

function nonEmpty(text: string): string {
  if (text === '') throw valueError('Empty attribute in format string');
  return text;
}

const indexOrText = (text: string): Value => (/^\d+$/.test(text) ? BigInt(text) : text);
