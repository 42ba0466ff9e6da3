// SPDX-License-Identifier: Apache-2.0
import { RowProblem } from '../readers/row-reader.js';
import { asNumber } from './cells.js';

/** Fields that are read into the message itself; whatever else it has reaches the template. */
const read = new Set([
  'role',
  'from',
  'content',
  'value',
  'tool_calls',
  'function_call',
  'reasoning_content',
  'reasoning',
  'thinking',
  'loss',
  'loss_weight',
  'weight',
  'train',
]);

/** Fields that say who or what a message is, not what it says: a template may leave them out. */
const known = new Set(['id', 'name', 'tool_call_id', 'annotations']);

/** Fields that many data sets have in every message, with nothing in them where they mean nothing. */
const oftenEmpty = new Set(['refusal', 'function_calls', 'functions', 'tools']);

/** Fields that a template is given as they are; nulls are what a table puts where a message has none. */
export function otherFields(
  fields: Readonly<Record<string, unknown>>,
  tags: readonly string[],
): Record<string, unknown> | undefined {
  const others = Object.entries(fields).filter(
    ([name, value]) => !read.has(name) && !tags.includes(name) && value !== null && value !== undefined,
  );
  return others.length === 0 ? undefined : Object.fromEntries(others);
}

/** @throws RowProblem for a field that has no meaning here and that the template does not name. */
export function checkFields(fields: Readonly<Record<string, unknown>>, template: string): void {
  const isNothing = (name: string) => oftenEmpty.has(name) && isEmpty(fields[name]);
  const lost = Object.keys(fields).find((name) => !known.has(name) && !isNothing(name) && !mentions(template, name));
  if (lost === undefined) return;
  throw new RowProblem(
    `a message has the field ${JSON.stringify(lost)}, which is neither known nor read by the template; remove or rename it`,
  );
}

const isEmpty = (value: unknown): boolean => value === '' || (Array.isArray(value) && value.length === 0);

/** Whether the name stands somewhere in the template as a word of its own. */
export function mentions(template: string, name: string): boolean {
  for (let at = template.indexOf(name); at !== -1; at = template.indexOf(name, at + 1)) {
    const around = [template[at - 1] ?? ' ', template[at + name.length] ?? ' '];
    if (around.every((character) => !/[\p{L}\p{N}_]/u.test(character))) return true;
  }
  return false;
}

/**
 * Whether the data says that this turn is context only: `loss`, `loss_weight`, `weight` or `train` of 0 or false.
 * @throws RowProblem for a weight between, and for a turn that is to be learned although it is no answer.
 */
export function readMask(fields: Readonly<Record<string, unknown>>, isAnswer: boolean, where: string): boolean {
  let isMasked = false;
  for (const name of ['loss', 'loss_weight', 'weight', 'train']) {
    const value = fields[name];
    if (value === undefined || value === null) continue;
    const weight = typeof value === 'boolean' ? Number(value) : asNumber(value, `${name} of ${where}`);
    if (weight !== 0 && weight !== 1)
      throw new RowProblem(`${name} of ${where} is ${weight}; a turn is learned (1) or not (0)`);
    if (weight === 0) isMasked = true;
    else if (!isAnswer && name !== 'weight' && name !== 'loss_weight')
      throw new RowProblem(`${name} of ${where} asks to learn a turn that is not the assistant's`);
  }
  return isMasked;
}
