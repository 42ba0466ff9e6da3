// SPDX-License-Identifier: Apache-2.0
import {
  isCollection,
  isMap,
  isScalar,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type YAMLError,
} from 'yaml';
import { coreErrors } from '../core-errors.js';
import { jsonOutline } from '../files/json-keys.js';
import type { ConfigPath, ConfigSource } from './config-source.js';
import { deepestConfig, yamlValue } from './yaml-value.js';

export interface ParsedConfig {
  readonly data: unknown;
  readonly source: ConfigSource;
}

/** YAML 1.2 with merge keys. @throws LLMF_CORE_CONFIG_SYNTAX with line and column. */
export function parseYaml(text: string, file: string): ParsedConfig {
  const lines = new LineCounter();
  const document = shallow(file, () => parseDocument(text, { lineCounter: lines, merge: true }));
  const [error] = document.errors;
  if (error !== undefined) throw yamlSyntax(error, file);
  const source = documentSource(document, lines, file);
  return { data: yamlValue(document, (offset) => placeOf(lines, offset, file)), source };
}

/** Strict JSON; positions come from the YAML reader, of which JSON is a subset. */
export function parseJson(text: string, file: string): ParsedConfig {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw jsonSyntax(error as SyntaxError, text, file);
  }
  const lines = new LineCounter();
  if (jsonOutline(text).depth > deepestConfig) throw tooDeep(file);
  const document = shallow(file, () => parseDocument(text, { lineCounter: lines }));
  return { data, source: documentSource(document, lines, file) };
}

/** The reader goes as deep as the text does. */
function shallow<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw tooDeep(file);
  }
}

const tooDeep = (where: string) => coreErrors.configSyntax({ where, reason: 'it is nested too deeply' });

function placeOf(lines: LineCounter, offset: number, file: string): string {
  const { line, col } = lines.linePos(offset);
  return `${file}:${line}:${col}`;
}

function documentSource(document: Document.Parsed, lines: LineCounter, file: string): ConfigSource {
  return {
    locate(path, part = 'value') {
      const offset = offsetOf(document.contents, path, part);
      if (offset === undefined) return file;
      return placeOf(lines, offset, file);
    },
  };
}

/** Walks down as far as the path exists; the offset of the last thing found. */
function offsetOf(root: Node | null, path: ConfigPath, part: 'key' | 'value'): number | undefined {
  let node: unknown = root;
  let offset: number | undefined;
  for (const [depth, step] of path.entries()) {
    if (!isCollection(node)) break;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (pair === undefined) break;
      const isLast = depth === path.length - 1;
      node = pair.value;
      offset = startOf(isLast && part === 'key' ? pair.key : (node ?? pair.key)) ?? startOf(pair.key) ?? offset;
    } else {
      node = node.items[Number(step)];
      offset = startOf(node) ?? offset;
    }
  }
  return offset;
}

const startOf = (node: unknown): number | undefined => (node as Node | null)?.range?.[0];

function yamlSyntax(error: YAMLError, file: string): Error {
  const [head = error.message, ...excerpt] = error.message.split('\n');
  const position = error.linePos?.[0];
  return coreErrors.configSyntax({
    where: position === undefined ? file : `${file}:${position.line}:${position.col}`,
    reason: head.replace(/ at line \d+, column \d+:?$/, ''),
    excerpt: excerpt.find((line) => line.trim() !== '')?.trim(),
  });
}

/** Node 20 gives a position as an offset, and none at all where the text ends too early. */
function jsonSyntax(error: SyntaxError, text: string, file: string): Error {
  const found = /at position (\d+)/.exec(error.message);
  const offset = found === null ? text.trimEnd().length : Number(found[1]);
  const before = text.slice(0, offset).split('\n');
  const line = text.split('\n')[before.length - 1] ?? '';
  return coreErrors.configSyntax({
    where: `${file}:${before.length}:${before.at(-1)!.length + 1}`,
    reason: error.message.replace(/ in JSON at position \d+.*$/, ''),
    excerpt: line.trim() === '' ? undefined : line.trim(),
  });
}
