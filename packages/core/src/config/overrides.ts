// SPDX-License-Identifier: Apache-2.0
import { isAlias, parseDocument } from 'yaml';
import { coreErrors } from '../core-errors.js';
import { yamlValue } from './yaml-value.js';
import { pathText, type ConfigInput, type ConfigPath } from './config-source.js';

interface Override {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly text: string;
}

/** Is this argument `key.path=value` rather than the path of a config? */
export const isOverride = (argument: string): boolean => /^[A-Za-z_$][\w$-]*(\.[\w$-]+)*=/.test(argument);

/**
 * Lays `key.path=value` arguments over a config. Values are YAML (`1e-5`, `true`, `[a, b]`, `{path: x}`); list entries
 * go by index; `loss.beta=2` over `loss: simpo` gives `{ name: simpo, beta: 2 }`.
 */
export function applyOverrides(input: ConfigInput, texts: readonly string[]): ConfigInput {
  const overrides = texts.map(parseOverride);
  const raw = overrides.reduce<unknown>((value, override) => placed(value, override, 0), input.raw);
  const byPath = new Map(overrides.map(({ path, text }) => [pathText(path), text]));
  return {
    ...input,
    raw: raw as Record<string, unknown>,
    source: {
      locate(path, part) {
        for (let length = path.length; length > 0; length--) {
          const text = byPath.get(pathText(path.slice(0, length)));
          if (text !== undefined) return `command line: ${text}`;
        }
        return input.source.locate(path, part);
      },
    },
  };
}

function parseOverride(text: string): Override {
  const at = text.indexOf('=');
  if (!isOverride(text)) throw coreErrors.override({ text, reason: 'it is not a key, = and a value' });
  const document = parseDocument(text.slice(at + 1));
  const [error] = document.errors;
  if (error !== undefined) {
    throw coreErrors.override({ text, reason: `its value is not YAML: ${error.message.split(' at line')[0]}` });
  }
  // A glob such as *.jsonl has the form of an alias, which cannot stand alone.
  const value = isAlias(document.contents) ? text.slice(at + 1) : yamlValue(document, () => `command line: ${text}`);
  return { path: text.slice(0, at).split('.'), value, text };
}

/** A copy of `target` in which the override's value stands at its path; only what lies on the path is copied. */
function placed(target: unknown, override: Override, depth: number): unknown {
  const { path, value, text } = override;
  const key = path[depth];
  if (key === undefined) return value;
  if (Array.isArray(target)) {
    const index = /^\d+$/.test(key) ? Number(key) : -1;
    if (index < 0 || index > target.length) {
      const reason = `${place(path, depth)} is a list of ${target.length}; "${key}" is not an index of it or the next one`;
      throw coreErrors.override({ text, reason });
    }
    return target.toSpliced(index, 1, placed(target[index], override, depth + 1));
  }
  if (target === undefined || target === null) return { [key]: placed(undefined, override, depth + 1) };
  if (typeof target === 'string') return { name: target, [key]: placed(undefined, override, depth + 1) };
  if (typeof target !== 'object') {
    throw coreErrors.override({
      text,
      reason: `${place(path, depth)} is ${JSON.stringify(target)}, which has no keys`,
    });
  }
  const inner = (target as Record<string, unknown>)[key];
  return { ...target, [key]: placed(inner, override, depth + 1) };
}

const place = (path: ConfigPath, depth: number) => `"${pathText(path.slice(0, depth))}"`;
