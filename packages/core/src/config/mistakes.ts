// SPDX-License-Identifier: Apache-2.0
import type { OptionIssue, OptionsSchema } from '../contracts/token.js';
import { coreErrors } from '../core-errors.js';
import type { LlmfError } from '../errors.js';
import { closest, editDistance, nearest, spelling } from '../text/nearest.js';
import { pathText, type ConfigPath, type ConfigSource } from './config-source.js';
import { dropsUnknownKeys, jsonSchemaOf, keysAt, keysOf, schemasAt, type JsonSchema } from './option-schema.js';
import { gotText, typeText } from './type-text.js';

/** Collects everything that is wrong with a config, so that the user mends it in one go. */
export class Mistakes {
  private readonly errors: LlmfError[] = [];

  /** `sections` are the keys that each section of the config reads, to tell where a misplaced key belongs. */
  constructor(
    private readonly source: ConfigSource,
    private readonly sections: Readonly<Record<string, readonly string[]>> = {},
  ) {}

  get isEmpty(): boolean {
    return this.errors.length === 0;
  }

  add(error: LlmfError): void {
    this.errors.push(error);
  }

  where(path: ConfigPath, part?: 'key' | 'value'): string {
    return this.source.locate(path, part);
  }

  unknownKey(path: ConfigPath, key: string, known: readonly string[], hint?: string): void {
    const meant = hint === undefined ? closest(key, known) : null;
    if (meant === null) hint ??= this.homeHint(path, key);
    const name = path.length === 0 ? key : `${pathText(path)}.${key}`;
    const facts = { key: name, where: this.where([...path, key], 'key'), known: nearest(key, known), meant };
    this.add(coreErrors.unknownKey(hint === undefined ? facts : { ...facts, hint }));
  }

  badValue(path: ConfigPath, value: unknown, expected: string, hint?: string): void {
    const facts = { path: pathText(path), where: this.where(path), expected, ...(hint === undefined ? {} : { hint }) };
    this.add(
      value === undefined ? coreErrors.missingKey(facts) : coreErrors.badValue({ ...facts, got: gotText(value) }),
    );
  }

  /** A key that another section reads, such as `learningRate` outside `train`. */
  private homeHint(path: ConfigPath, key: string): string | undefined {
    const others = Object.entries(this.sections).filter(([section]) => section !== path[0]);
    const allowed = key.length >= 5 ? 1 : 0;
    const isSame = (known: string) => editDistance(spelling(known), spelling(key)) <= allowed;
    const home = others.find(([, keys]) => keys.some(isSame));
    if (home === undefined) return undefined;
    const [section, keys] = home;
    return `move it to the section ${section}: ${section}.${nearest(key, keys)[0]}`;
  }

  /** Checks options against their schema. Returns the parsed ones, or null after noting what is wrong. */
  parse(schema: OptionsSchema, value: unknown, path: ConfigPath): Readonly<Record<string, unknown>> | null {
    const unknown = isPlain(value) && dropsUnknownKeys(schema) ? unknownKeys(value, keysOf(schema)) : [];
    for (const key of unknown) this.unknownKey(path, key, keysOf(schema));
    const result = schema.safeParse(value);
    if (result.success) return unknown.length > 0 ? null : (result.data as Record<string, unknown>);
    const json = jsonSchemaOf(schema);
    for (const issue of result.error.issues) this.issue(issue, json, value, path);
    return null;
  }

  /** @throws the one mistake, or LLMF_CORE_CONFIG_INVALID that lists them all. */
  throwIfAny(): void {
    const [first, ...more] = this.errors;
    if (first === undefined) return;
    throw more.length === 0 ? first : coreErrors.configInvalid({ mistakes: this.errors, where: this.where([]) });
  }

  private issue(issue: OptionIssue, json: JsonSchema, root: unknown, base: ConfigPath): void {
    const path = [...base, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys ?? []) this.unknownKey(path, key, keysAt(json, issue.path));
      return;
    }
    const deeper = deepestAlternative(issue);
    if (deeper !== null) {
      for (const inner of deeper) this.issue({ ...inner, path: [...issue.path, ...inner.path] }, json, root, base);
      return;
    }
    const words = schemasAt(json, issue.path).map(typeText).filter(Boolean);
    const expected = issue.code === 'custom' || words.length === 0 ? issue.message : [...new Set(words)].join(' or ');
    this.badValue(path, valueAt(root, issue.path), expected);
  }
}

/** Of a union's alternatives, the issues of the one that went further than "another type altogether"; null if none did. */
function deepestAlternative(issue: OptionIssue): readonly OptionIssue[] | null {
  const { errors } = issue as OptionIssue & { errors?: readonly (readonly OptionIssue[])[] };
  if (issue.code !== 'invalid_union' || errors === undefined) return null;
  const deeper = errors.filter((issues) =>
    issues.some(({ path, code }) => path.length > 0 || code === 'unrecognized_keys'),
  );
  return deeper.length === 0 ? null : deeper.reduce((best, other) => (other.length < best.length ? other : best));
}

export const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const unknownKeys = (value: Readonly<Record<string, unknown>>, known: readonly string[]): string[] =>
  Object.keys(value).filter((key) => !known.includes(key));

function valueAt(root: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>((value, step) => (value as Record<PropertyKey, unknown> | undefined)?.[step], root);
}
