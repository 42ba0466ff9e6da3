// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromFloat32, type SafetensorsDtype, type TensorToWrite } from '@llmf/core';
import { headsFile, headsText, headWeightsFile, type AttachedHead } from '@llmf/nn';
import { checkSaved } from './finite-weights.js';
import { writeAndReadBack } from './read-back.js';

/** The head that stands in the language model's place, and those beside it. */
export function partHeads(heads: readonly AttachedHead[] = []): {
  readonly classifier: AttachedHead | null;
  readonly beside: readonly AttachedHead[];
} {
  const isClassifier = ({ head }: AttachedHead) => head.replacesLanguageModel === true;
  return { classifier: heads.find(isClassifier) ?? null, beside: heads.filter((each) => !isClassifier(each)) };
}

/** The tensors of a head as a file of the folder takes them. */
export function headTensors(
  folder: string,
  { variables }: AttachedHead,
  dtype: SafetensorsDtype,
  nameOf: (name: string) => string = (name) => name,
): TensorToWrite[] {
  return [...variables].map(([name, variable]) => ({
    name: nameOf(name),
    dtype,
    shape: variable.shape,
    data: async () => {
      const values = (await variable.data()) as Float32Array;
      checkSaved(folder, name, values, dtype);
      return fromFloat32(values, dtype);
    },
  }));
}

/** Writes the heads beside a model or an adapter into its folder, f32. */
export async function writeHeadsBeside(folder: string, heads: readonly AttachedHead[]): Promise<void> {
  if (heads.length === 0) return;
  const tensors = heads.flatMap((head) => headTensors(folder, head, 'F32'));
  await writeAndReadBack(join(folder, headWeightsFile), tensors);
  await writeFile(join(folder, headsFile), headsText(heads.map(({ head }) => head)));
}
