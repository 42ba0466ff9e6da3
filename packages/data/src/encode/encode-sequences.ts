// SPDX-License-Identifier: Apache-2.0
import { noLabel, type EncodedResponse, type LabelRequest } from '@llmf/training';
import type { SequenceExample } from '../formats/example.js';
import { RowProblem } from '../readers/row-reader.js';
import type { Tokenizer } from '../tokenizer.js';
import { longestLength, type EncodedParts } from './encoded-parts.js';
import type { Encoded, EncodingOptions } from './encoding.js';

/** Texts between the tokens that frame them, each an answer without a prompt, cut at their end as Transformers' tokenizers do. */
export function encodeSequences(
  example: SequenceExample,
  tokenizer: Tokenizer,
  options: Pick<EncodingOptions, 'maxLength' | 'labels'>,
): Encoded {
  const { maxLength, labels: request = null } = options;
  const { texts, labels, weight, extras, media } = example;
  const [first] = texts;
  const isOfWords = typeof first!.text !== 'string';
  if (request !== null && labels === null) throw new RowProblem('the row has no label');
  if (request !== null && (request.form === 'words') !== isOfWords) {
    throw new RowProblem(isOfWords ? 'the row labels words, not a text' : 'the row labels a text, not its words');
  }
  const whole = texts.map(({ text, role }) => responseOf(text, role, tokenizer, null));
  const responses = texts.map(({ text, role }) => responseOf(text, role, tokenizer, maxLength));
  if (responses.some(({ ids }) => ids.length === 0)) throw new RowProblem('a text has no tokens');
  const numbers = request === null ? {} : { labels: labelsOf(example, tokenizer, request, maxLength) };
  const parts = (of: readonly EncodedResponse[]): EncodedParts => ({
    prompt: new Int32Array(0),
    responses: of,
    weight,
    extras,
    media,
    ...numbers,
  });
  const row = parts(responses);
  const length = longestLength(parts(whole));
  const truncated = length > longestLength(row) ? `${length} tokens cut to ${longestLength(row)} (keepStart)` : null;
  return { rows: [row], truncated };
}

function responseOf(
  text: SequenceExample['texts'][number]['text'],
  role: EncodedResponse['role'],
  tokenizer: Tokenizer,
  limit: number | null,
): EncodedResponse {
  const ids = typeof text === 'string' ? tokenizer.sequence(text, limit) : tokenizer.wordSequence(text, limit).ids;
  return { ids: Int32Array.from(ids), counted: new Uint8Array(ids.length).fill(1), role };
}

/** @throws RowProblem for a label that is none of the names, or no number where numbers are learned */
function labelsOf(
  { texts, labels }: SequenceExample,
  tokenizer: Tokenizer,
  { form, names }: LabelRequest,
  limit: number | null,
): Float32Array {
  const given = labels!;
  if (form === 'numbers') return Float32Array.from(given, numberOf);
  const classes = given.map((label) => classOf(label, names));
  if (form === 'classes') return Float32Array.from(names, (_name, at) => (classes.includes(at) ? 1 : 0));
  if (form === 'words') {
    const { word } = tokenizer.wordSequence(texts[0]!.text as readonly string[], limit);
    return Float32Array.from(word, (at, token) => (at >= 0 && word[token - 1] !== at ? classes[at]! : noLabel));
  }
  if (classes.length !== 1)
    throw new RowProblem(`the row has ${classes.length} labels, and one is learned (multiLabel learns several)`);
  return Float32Array.from(classes);
}

/** By its name, else a whole number that counts the names from 0. */
function classOf(label: string | number, names: readonly string[]): number {
  const named = names.indexOf(String(label));
  if (named !== -1) return named;
  const number = typeof label === 'number' || /^\d+$/.test(label) ? Number(label) : -1;
  if (Number.isInteger(number) && number >= 0 && number < names.length) return number;
  const known = names.length > 8 ? `${names.slice(0, 8).join(', ')}, …` : names.join(', ');
  throw new RowProblem(`label ${JSON.stringify(label)} is none of ${known}`);
}

function numberOf(label: string | number): number {
  const number = typeof label === 'string' && label.trim() === '' ? Number.NaN : Number(label);
  if (Number.isFinite(number)) return number;
  throw new RowProblem(`label ${JSON.stringify(label)} is not a number`);
}
