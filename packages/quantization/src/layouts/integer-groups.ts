// SPDX-License-Identifier: Apache-2.0
// What GPTQ and AWQ folders share: codes of 4 bits in int32 words, turned to rows of outputs.
import { toFloat32 } from '@llmf/core';
import type { LaidOutWeight, QuantizedFolder, WeightParts } from '@llmf/nn';
import { int4 } from '../int4.js';
import { FolderReader, formOf } from './folder-reader.js';
import { layoutErrors } from './layout-errors.js';

const codesPerWord = 8;

/** How a layout puts codes into words. */
export interface GroupLayout {
  /** Which side of qweight counts words rather than codes: inputs (GPTQ) or outputs (AWQ). */
  readonly packs: 'inputs' | 'outputs';
  /** Place within a word, in codes from the lowest bits, of each of eight neighbours. */
  readonly order: readonly number[];
  /** What a stored zero lacks. */
  readonly zeroOffset: number;
}

/** Every weight of a folder that has `qweight`. @throws LLMF_QUANTIZATION_LAYOUT_… */
export async function integerGroups(folder: QuantizedFolder, layout: GroupLayout): Promise<Map<string, LaidOutWeight>> {
  const groupSize = groupSizeOf(folder);
  const reader = new FolderReader(folder);
  const suffix = '.qweight';
  const paths = [...reader.keys].filter((key) => key.endsWith(suffix)).map((key) => key.slice(0, -suffix.length));
  if (paths.length === 0) {
    throw layoutErrors.layoutMissing({ folder: folder.folder, tensor: `…${suffix}`, weight: 'any layer' });
  }
  const weights = new Map<string, LaidOutWeight>();
  for (const path of paths) weights.set(`${path}.weight`, await groupWeight(reader, path, layout, groupSize));
  return weights;
}

/** 4 bits alone. @throws LLMF_QUANTIZATION_LAYOUT_SETTINGS */
function groupSizeOf({ folder, settings }: QuantizedFolder): number {
  const bits = settings['bits'] ?? settings['w_bit'];
  const refuse = (key: string, got: unknown, expected: string) =>
    layoutErrors.layoutSettings({ folder, key, got: JSON.stringify(got) ?? 'nothing', expected });
  if (bits !== 4) throw refuse('bits', bits, '4');
  const size = settings['group_size'] ?? settings['q_group_size'];
  if (size === -1 || (Number.isSafeInteger(size) && (size as number) > 0)) return size as number;
  throw refuse('group_size', size, 'a number of inputs, or -1 for all of a row');
}

async function groupWeight(
  reader: FolderReader,
  path: string,
  layout: GroupLayout,
  groupSize: number,
): Promise<LaidOutWeight> {
  const [weight, qzeros, scales, index] = ['qweight', 'qzeros', 'scales', 'g_idx'].map((name) => `${path}.${name}`);
  const words = reader.info(weight!, path);
  if (words.dtype !== 'I32' || words.shape.length !== 2) throw reader.refuse(weight!, formOf(words), 'a matrix of I32');
  const [first, second] = words.shape as [number, number];
  const [inputs, outputs] = layout.packs === 'inputs' ? [first * codesPerWord, second] : [first, second * codesPerWord];
  const perGroup = groupSize === -1 ? inputs : groupSize;
  const groups = Math.ceil(inputs / perGroup);
  if (outputs % codesPerWord !== 0) throw reader.refuse(weight!, formOf(words), `outputs in eights, not ${outputs}`);
  reader.check(qzeros!, path, ['I32'], [groups, outputs / codesPerWord]);
  reader.check(scales!, path, ['F16', 'BF16', 'F32'], [groups, outputs]);
  const hasIndex = reader.has(index!);
  if (hasIndex) reader.check(index!, path, ['I32'], [inputs]);
  const shape = [outputs, inputs];
  return {
    shape,
    format: int4,
    bytes: (inputs * outputs) / 2 + 5 * groups * outputs + 4 * inputs,
    tensors: [weight!, qzeros!, scales!, ...(hasIndex ? [index!] : [])],
    async read(): Promise<WeightParts> {
      const zeros = codesOf(await wordsOf(reader, qzeros!), groups, outputs, { ...layout, packs: 'outputs' });
      const codes = codesOf(await wordsOf(reader, weight!), inputs, outputs, layout);
      return {
        codes: packedRows(codes, inputs, outputs),
        scales: turned(reader.finite(scales!, toFloat32(await reader.read(scales!))), groups, outputs),
        zeros: turned(
          zeros.map((zero) => zero + layout.zeroOffset),
          groups,
          outputs,
        ),
        groups: hasIndex
          ? await groupIndex(reader, index!, groups)
          : Int32Array.from({ length: inputs }, (_, input) => Math.floor(input / perGroup)),
      };
    },
  };
}

async function wordsOf(reader: FolderReader, key: string): Promise<Uint32Array> {
  return new Uint32Array((await reader.read(key)).data.slice().buffer);
}

/** Codes [rows, columns], a byte each. */
function codesOf(words: Uint32Array, rows: number, columns: number, { packs, order }: GroupLayout): Uint8Array {
  const codes = new Uint8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [word, within] =
        packs === 'inputs'
          ? [words[(row >> 3) * columns + column]!, row & 7]
          : [words[row * (columns >> 3) + (column >> 3)]!, column & 7];
      codes[row * columns + column] = (word >>> (4 * order[within]!)) & 15;
    }
  }
  return codes;
}

/** Codes [inputs, outputs] as rows of outputs, two in a byte. */
function packedRows(codes: Uint8Array, inputs: number, outputs: number): Uint8Array {
  const packed = new Uint8Array((inputs * outputs) / 2);
  for (let output = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++) {
      const at = output * inputs + input;
      packed[at >> 1]! |= codes[input * outputs + output]! << (at % 2 === 0 ? 4 : 0);
    }
  }
  return packed;
}

function turned<A extends Float32Array | Uint8Array>(values: A, rows: number, columns: number): A {
  const result = values.slice() as A;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) result[column * rows + row] = values[row * columns + column]!;
  }
  return result;
}

/** @throws LLMF_QUANTIZATION_LAYOUT_TENSOR */
async function groupIndex(reader: FolderReader, key: string, groups: number): Promise<Int32Array> {
  const index = new Int32Array((await reader.read(key)).data.slice().buffer);
  const wrong = index.find((group) => group < 0 || group >= groups);
  if (wrong === undefined) return index;
  throw reader.refuse(key, `group ${wrong}`, `groups 0 to ${groups - 1}`);
}
