// SPDX-License-Identifier: Apache-2.0
import { parse } from 'yaml';
import { importErrors } from './import-errors.js';
import type { Options } from './translation.js';

/**
 * `--key value`, `--key=value`, `--key` (true) and `--key a b` (a list), as Transformers' HfArgumentParser reads them.
 * Values are read as YAML: numbers and truth values as such.
 * @throws LLMF_CLI_FLAG_UNREADABLE
 */
export function optionsOfFlags(words: readonly string[]): Options {
  const options: Record<string, unknown> = {};
  for (let at = 0; at < words.length;) {
    const word = words[at]!;
    const [, name = '', glued] = /^--([\w.-]+)(?:=([^]*))?$/.exec(word) ?? [];
    if (name === '') throw importErrors.flagUnreadable({ word, place: at + 1 });
    at++;
    const values: string[] = glued === undefined ? [] : [glued];
    while (glued === undefined && at < words.length && !words[at]!.startsWith('--')) values.push(words[at++]!);
    options[name.replaceAll('-', '_')] = valueOf(values);
  }
  return options;
}

function valueOf(values: readonly string[]): unknown {
  if (values.length === 0) return true;
  const read = values.map((text) => scalar(text));
  return read.length === 1 ? read[0] : read;
}

/** Python writes `True`, `False` and `None`. */
function scalar(text: string): unknown {
  const python: Readonly<Record<string, unknown>> = { True: true, False: false, None: null };
  if (text in python) return python[text];
  return /^[[{]|^-?[\d.]+(e[+-]?\d+)?$|^(true|false|null)$/i.test(text) ? parse(text) : text;
}
