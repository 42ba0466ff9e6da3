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

type Bind = (kernel: Addon['kernels'][string], numbers: Float64Array, codedError: (error: unknown) => unknown) => Call;
type Call = (values: Values) => void;

/**
 * Compiled from the signature, a function of its own for each kernel: one that looks parameters up by name costs twenty
 * times as much a call, as much as a small kernel itself.
 */
function bind({ kernels, numbers }: Addon, name: string, signature: Signature): Call {
  const names = Object.keys(signature);
  const isAccessible = names.every((parameter) => /^[A-Za-z]\w*$/.test(parameter));
  if (!isAccessible) throw new TypeError(`${name}: a parameter that is no identifier`);
  const numberNames = names.filter((parameter) => isNumber(signature[parameter]!));
  const arrayNames = names.filter((parameter) => !isNumber(signature[parameter]!));
  const body = `return (values) => {
    ${numberNames.map((parameter, at) => `numbers[${at}] = values.${parameter};`).join(' ')}
    try {
      kernel(${arrayNames.map((parameter) => `values.${parameter}`).join(', ')});
    } catch (error) {
      throw codedError(error);
    }
  };`;
  // The text holds nothing but the names above.
  // oxlint-disable-next-line no-new-func
  const compiled = new Function('kernel', 'numbers', 'codedError', body) as Bind;
  return compiled(kernels[name]!, numbers, codedError);
}
