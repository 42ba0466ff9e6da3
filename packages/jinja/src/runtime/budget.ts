// SPDX-License-Identifier: Apache-2.0
import { TemplateError } from '../template-error.js';

/** What one render may use at most. */
export interface Limits {
  /** Nodes evaluated; work on long texts counts as more. */
  readonly steps: number;
  /** Bytes of texts and lists made, whether or not they are still held. */
  readonly bytes: number;
  /** UTF-16 units of one text. */
  readonly textLength: number;
  /** Macros inside macros, lists inside lists. */
  readonly depth: number;
}

/**
 * Far above what chat templates need (a few hundred steps a turn), and below 2 s and 64 MiB on a slow core.
 * They grow with the chat, so that long chats are not refused for being long.
 */
export function limitsFor(inputLength: number): Limits {
  return {
    steps: 8_000_000 + 32 * inputLength,
    bytes: 32 * 1024 * 1024 + 16 * inputLength,
    textLength: 4 * 1024 * 1024 + 4 * inputLength,
    depth: 150,
  };
}

class Budget {
  steps = 0;
  bytes = 0;
  depth = 0;
  constructor(readonly limits: Limits) {}
}

/** A render is synchronous, so the budget in force is one variable rather than a parameter of every function. */
let current = new Budget(limitsFor(0));

/** Runs `work` under limits of its own. */
export function withBudget<T>(limits: Limits, work: () => T): T {
  const outer = current;
  current = new Budget(limits);
  try {
    return work();
  } catch (error) {
    // The depth limit should come first; where frames are larger than thought, the engine's own limit is as good.
    if (error instanceof RangeError) throw exceeded('nesting');
    throw error;
  } finally {
    current = outer;
  }
}

export function spend(steps: number): void {
  current.steps += steps;
  if (current.steps > current.limits.steps) throw exceeded('steps');
}

/** Longer texts may be made of parts that only reading them puts together, which takes memory. */
const longText = 64 * 1024;

/** Work that looks at every character of a text. */
export function spendOnText(length: number): void {
  if (length > 64) spend(length >> 3);
  if (length > longText) allocate(length);
}

export function allocate(bytes: number): void {
  current.bytes += bytes;
  if (current.bytes > current.limits.bytes) throw exceeded('memory');
}

/** To be called before a text of this length is made. */
export function allocateText(length: number): void {
  if (length > current.limits.textLength) throw exceeded('text length');
  spendOnText(length);
  allocate(length);
}

/** A text joined of two shares their memory: only the shorter counts, so that appending stays cheap. */
export function allocateJoined(a: number, b: number): void {
  if (a + b > current.limits.textLength) throw exceeded('text length');
  allocate(32 + Math.min(a, b));
}

export function allocateItems(count: number): void {
  if (count > 32) spend(count >> 2);
  allocate(48 + count * 8);
}

/** Values that are made one by one, each with what a short text, a number or a pair takes. */
export function allocateValues(count: number): void {
  allocate(count * 48);
}

/** `work` one level deeper: a macro's body, the items of a list that is written out. */
export function nested<T>(work: () => T): T {
  if (++current.depth > current.limits.depth) {
    current.depth = 0;
    throw exceeded('nesting');
  }
  try {
    return work();
  } finally {
    current.depth--;
  }
}

function exceeded(what: string): TemplateError {
  return new TemplateError('limit', `the template exceeds the limit of ${what} for one chat`);
}
