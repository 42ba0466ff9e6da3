// SPDX-License-Identifier: Apache-2.0
import { errors } from '../errors.js';
import { isNumber, textOf, type Signature } from '../kernels/signature.js';
import { signatures, type NativeCalls } from '../kernels/signatures.js';
import type { Addon, NativeArray } from './addon.js';
import { codedError } from './out-of-memory.js';

type Values = Readonly<Record<string, number | boolean | NativeArray | null>>;

/**
 * The addon's kernels under their parameters' names. Numbers go through memory that both sides share, arrays as
 * arguments: less per call than a conversion for each number.
 *
 * @throws LLMF_BACKEND_CPU_SIGNATURES when the addon was made of other signatures
 */
export function bindKernels(addon: Addon): NativeCalls {
  const calls = Object.entries(signatures).map(([name, signature]) => {
    const [expected, got] = [textOf(signature), addon.signatures[name]];
    if (got !== expected) throw errors.signatures({ kernel: name, got: got ?? 'no such kernel', expected });
    return [name, bind(addon, name, signature)];
  });
  return Object.fromEntries(calls) as NativeCalls;
}

function bind({ kernels, numbers }: Addon, name: string, signature: Signature): (values: Values) => void {
  const names = Object.keys(signature);
  const numberNames = names.filter((parameter) => isNumber(signature[parameter]!));
  const arrayNames = names.filter((parameter) => !isNumber(signature[parameter]!));
  const kernel = kernels[name]!;
  return (values) => {
    for (let i = 0; i < numberNames.length; i++) numbers[i] = Number(values[numberNames[i]!]);
    const arrays: (NativeArray | null)[] = [];
    for (let i = 0; i < arrayNames.length; i++) arrays.push(values[arrayNames[i]!] as NativeArray | null);
    try {
      kernel(...arrays);
    } catch (error) {
      throw codedError(error);
    }
  };
}
