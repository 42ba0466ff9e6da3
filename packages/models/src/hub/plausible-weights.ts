// SPDX-License-Identifier: Apache-2.0
/**
 * What can be told of weights whose hash nobody announced: a file of the right size may hold an error page, another file's
 * bytes, or what a server put in place of a lost block. Trained weights are finite, none is large, and no two kilobytes of
 * them are one and the same byte, unless they are zeros.
 */
import { LlmfError, openSafetensors, toFloat32, type HostTensor, type SafetensorsDtype } from '@llmf/core';

/** Far beyond trained weights (hundreds at most), far below what text or noise reads as (up to 1e38). */
const largest = 1e6;
/** Of one byte that is not 0. */
const longestRun = 2048;

const floats: ReadonlySet<SafetensorsDtype> = new Set(['F32', 'F16', 'BF16', 'F64']);

/** Why the bytes of a safetensors file are no weights; null where nothing speaks against it. */
export async function implausibleIn(file: string): Promise<string | null> {
  try {
    const store = await openSafetensors(file);
    try {
      for (const [name, { dtype }] of store.tensors) {
        const reason = floats.has(dtype) ? implausible(await store.read(name)) : null;
        if (reason !== null) return `${name} ${reason}`;
      }
      return null;
    } finally {
      await store.close();
    }
  } catch (error) {
    if (LlmfError.is(error)) return `what is no safetensors file (${error.code})`;
    throw error;
  }
}

function implausible(tensor: HostTensor): string | null {
  const run = runIn(tensor.data);
  if (run !== null) return `with ${longestRun} times the byte 0x${run.toString(16).padStart(2, '0')} in a row`;
  const values = toFloat32(tensor);
  if (values.length === 1) return null; // a buffer, such as GPT-J's masked_bias of −1e9
  const beyond = values.find((value) => !(Math.abs(value) < largest)); // NaN too
  return beyond === undefined ? null : `with a weight of ${beyond}`;
}

/** The byte, not 0, of which there is such a run. Each run of that length covers a multiple of half of it. */
function runIn(bytes: Uint8Array): number | null {
  const half = longestRun / 2;
  for (let at = 0; at + half <= bytes.length; at += half) {
    const byte = bytes[at]!;
    if (byte === 0) continue;
    let [from, to] = [at, at];
    while (from > 0 && bytes[from - 1] === byte && to - from < longestRun) from--;
    while (to < bytes.length && bytes[to] === byte && to - from < longestRun) to++;
    if (to - from >= longestRun) return byte;
  }
  return null;
}
