// SPDX-License-Identifier: Apache-2.0
import { packedBytes, packedOf, type LinearLayer, type Model } from '@llmf/nn';
import type { Policy } from '@llmf/training';

/** What a run's peak memory is made of, in bytes. */
export interface MemoryEstimate {
  /** The process while it trains, without all that follows. */
  readonly program: number;
  /** Frozen weights in their storage and trained ones; those in a mapped file count as soon as they were used. */
  readonly weights: number;
  /** Gradient and two moments of every trained weight. */
  readonly training: number;
  /** What the largest microbatch keeps for the reverse pass. */
  readonly activations: number;
  /** Logits and their gradients, one chunk at a time. */
  readonly head: number;
  readonly total: number;
}

export interface MemoryFacts {
  /** The process with data open, without the model. */
  readonly programBytes: number;
  readonly weightBytes: number;
  /** Numbers that are trained. */
  readonly trained: number;
  /** What the optimizer remembers of each. */
  readonly optimizerBytes: number;
  /** Tokens of the largest microbatch as it is packed. */
  readonly tokens: number;
  /** Whether a language-model head computes logits: not where a classifier's stands in its place. */
  readonly hasLogits: boolean;
  readonly model: Pick<Model, 'linears' | 'targets' | 'blocks' | 'hiddenSize' | 'vocabularySize'>;
  readonly gradientCheckpointing: boolean;
  /** The backend has fused kernels of its own for attention and the head; else nn's composites make copies on the way. */
  readonly hasNativeKernels: boolean;
  /** Of a number that a gated MLP's first two layers write: 2 where native kernels compute in bf16. */
  readonly gatedBytes: 2 | 4;
}

const bytesPerNumber = 4;
/** What a program that trains holds more than one that has only loaded: compiled code, threads' working memory, idle buffers. */
const runningBytes = 32 * 1024 * 1024;
/** Bytes of logits that exist at a time: see selectedLogProbs. */
const headChunkBytes = 32 * 1024 * 1024;
/** Arrays of that size, and copies of what is kept: measured with 28 M weights and 1,112 tokens on cpu and wasm. */
const overhead = { native: { headArrays: 1.25, copies: 1 }, composite: { headArrays: 8, copies: 2.2 } };

/** An estimate of the peak: within about 15 % for native kernels, 25 % for composites. */
export function estimateMemory({
  programBytes,
  weightBytes,
  trained,
  optimizerBytes,
  tokens,
  hasLogits,
  model,
  gradientCheckpointing,
  hasNativeKernels,
  gatedBytes,
}: MemoryFacts): MemoryEstimate {
  const training = trained * (bytesPerNumber + optimizerBytes);
  const all = keptPerToken([...(model.targets ?? model.linears).values()], gatedBytes);
  const kept = gradientCheckpointing
    ? model.blocks.length * model.hiddenSize * bytesPerNumber + all / Math.max(1, model.blocks.length) // inputs, one block
    : all;
  const { headArrays, copies } = hasNativeKernels ? overhead.native : overhead.composite;
  const activations = Math.round(copies * tokens * kept);
  const logitsBytes = hasLogits ? tokens * model.vocabularySize * bytesPerNumber : 0;
  const head = headArrays * Math.min(headChunkBytes, logitsBytes);
  const parts = { program: programBytes + runningBytes, weights: weightBytes, training, activations, head };
  return { ...parts, total: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0) };
}

/** The bytes of all weights as they are kept. */
export function weightBytesOf({ model, adapter }: Pick<Policy, 'model' | 'adapter'>): number {
  const values = [...[...model.parameters.values()].map(({ value }) => value), ...(adapter?.variables.values() ?? [])];
  const bytesOf = (value: (typeof values)[number]) => {
    const packed = packedOf(value);
    return packed === null ? value.size * bytesPerNumber : packedBytes(packed);
  };
  return values.reduce((sum, value) => sum + bytesOf(value), 0);
}

/**
 * Bytes per token that the reverse pass needs: what each linear layer writes, and what attention gives to the layer
 * behind it. The sums between blocks count as what their last layers wrote; norms and activations are computed again.
 */
export function keptPerToken(
  layers: readonly Pick<LinearLayer, 'path' | 'inputs' | 'outputs'>[],
  gatedBytes: 2 | 4,
): number {
  let kept = 0;
  for (const members of groupByParent(layers).values()) {
    const isGated = members.length === 3 && readsActivation(members);
    for (const [place, { outputs }] of members.entries()) {
      kept += outputs * (isGated && place < 2 ? gatedBytes : bytesPerNumber);
    }
    if (!readsActivation(members)) kept += members.at(-1)!.inputs * bytesPerNumber;
  }
  return kept;
}

/** Does the last layer read an activation of one or two others (an MLP), rather than attention of q, k and v? */
function readsActivation(members: readonly Pick<LinearLayer, 'inputs' | 'outputs'>[]): boolean {
  const { inputs } = members.at(-1)!;
  return members.length <= 3 && members.slice(0, -1).every(({ outputs }) => outputs === inputs);
}

const parentOf = ({ path }: { readonly path: string }) => path.slice(0, path.lastIndexOf('.'));

function groupByParent<L extends { readonly path: string }>(layers: readonly L[]): Map<string, L[]> {
  const groups = new Map<string, L[]>();
  for (const layer of layers) groups.set(parentOf(layer), [...(groups.get(parentOf(layer)) ?? []), layer]);
  return groups;
}
