// SPDX-License-Identifier: Apache-2.0
import { Damage, type HostTensor } from '@llmf/core';

/** Per-token log-probs of every row of a split: the answers' tokens in order, and the prompt's. */
export class RowLogProbs {
  private readonly answers: (Float32Array | undefined)[];
  private readonly prompts: (Float32Array | undefined)[];

  constructor(readonly rows: number) {
    this.answers = Array.from<Float32Array | undefined>({ length: rows });
    this.prompts = Array.from<Float32Array | undefined>({ length: rows });
  }

  has(row: number): boolean {
    return this.answers[row] !== undefined;
  }

  set(row: number, answers: readonly number[], prompt: readonly number[]): void {
    this.answers[row] = Float32Array.from(answers);
    this.prompts[row] = Float32Array.from(prompt);
  }

  /** Token `token` of the row's answers, counted over all of them. */
  answer(row: number, token: number): number {
    return this.answers[row]![token]!;
  }

  prompt(row: number, token: number): number {
    return this.prompts[row]![token]!;
  }

  /** Some rows, in this order. */
  toTensors(rows: readonly number[]): Record<string, HostTensor> {
    const numbers = new Uint8Array(Int32Array.from(rows).buffer);
    return {
      rows: { dtype: 'I32', shape: [rows.length], data: numbers },
      ...pack(
        'answers',
        rows.map((row) => this.answers[row]),
      ),
      ...pack(
        'prompts',
        rows.map((row) => this.prompts[row]),
      ),
    };
  }

  /** Takes the rows that `toTensors` gave. @throws Damage */
  add(tensors: Readonly<Record<string, HostTensor>>): void {
    const rows = integersOf(tensors, 'rows');
    const beyond = rows.find((row) => row < 0 || row >= this.rows);
    if (beyond !== undefined) throw new Damage(`holds row ${beyond} of ${this.rows}`);
    const [answers, prompts] = [unpack('answers', tensors, rows.length), unpack('prompts', tensors, rows.length)];
    rows.forEach((row, at) => {
      this.answers[row] = answers[at];
      this.prompts[row] = prompts[at];
    });
  }
}

function pack(name: string, lists: readonly (Float32Array | undefined)[]): Record<string, HostTensor> {
  const lengths = Int32Array.from(lists, (list) => list?.length ?? 0);
  const flat = new Float32Array(lengths.reduce((sum, length) => sum + length, 0));
  let offset = 0;
  for (const list of lists) {
    if (list === undefined) continue;
    flat.set(list, offset);
    offset += list.length;
  }
  return {
    [`${name}.lengths`]: { dtype: 'I32', shape: [lengths.length], data: new Uint8Array(lengths.buffer) },
    [`${name}.logProb`]: { dtype: 'F32', shape: [flat.length], data: new Uint8Array(flat.buffer) },
  };
}

function unpack(name: string, tensors: Readonly<Record<string, HostTensor>>, count: number): Float32Array[] {
  const lengths = integersOf(tensors, `${name}.lengths`);
  const flat = new Float32Array(bytesOf(tensors, `${name}.logProb`));
  if (lengths.length !== count) throw new Damage(`holds ${lengths.length} rows, expected ${count}`);
  let offset = 0;
  const lists = Array.from(lengths, (length) => flat.subarray(offset, (offset += length)));
  if (offset !== flat.length) throw new Damage(`holds ${flat.length} values, expected ${offset}`);
  return lists;
}

const integersOf = (tensors: Readonly<Record<string, HostTensor>>, name: string): Int32Array =>
  new Int32Array(bytesOf(tensors, name));

function bytesOf(tensors: Readonly<Record<string, HostTensor>>, name: string): ArrayBuffer {
  const tensor = tensors[name];
  if (tensor === undefined) throw new Damage(`holds no ${name}`);
  return tensor.data.slice().buffer;
}
