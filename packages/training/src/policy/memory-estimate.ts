// SPDX-License-Identifier: Apache-2.0
import type { Model } from '@llmf/nn';
import { keptOfPass } from './memory.js';

/** What a run's peak memory is made of, in bytes. */
export interface MemoryEstimate {
  /** The process while it trains, without all that follows. */
  readonly program: number;
  /** Frozen weights in their storage and trained ones; those in a mapped file count as soon as they were used. */
  readonly weights: number;
  /** Gradient and two moments of every trained weight. */
  readonly training: number;
  /** What the longest pass keeps to be gone back through. */
  readonly activations: number;
  /** Logits and their gradients, one chunk at a time, and what the head's weight is made into. */
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
  /** Tokens of the longest pass as it is packed. */
  readonly tokens: number;
  /** Whether a language-model head computes logits: not where a classifier's stands in its place. */
  readonly hasLogits: boolean;
  /** Numbers of a head's weight that is made anew for each pass, joined with its low-rank update. */
  readonly joinedHead: number;
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

/** Of such a weight: in float32, joined, and its gradient. */
const joinedCopies = 3;

/** An estimate of the peak: within about 15 % for native kernels, 25 % for composites. */
export function estimateMemory({
  programBytes,
  weightBytes,
  trained,
  optimizerBytes,
  tokens,
  hasLogits,
  joinedHead,
  model,
  gradientCheckpointing,
  hasNativeKernels,
  gatedBytes,
}: MemoryFacts): MemoryEstimate {
  const training = trained * (bytesPerNumber + optimizerBytes);
  const kept = keptOfPass(model, { gradientCheckpointing, gatedBytes });
  const { headArrays, copies } = hasNativeKernels ? overhead.native : overhead.composite;
  const activations = Math.round(copies * tokens * kept);
  const logitsBytes = hasLogits ? tokens * model.vocabularySize * bytesPerNumber : 0;
  const head = headArrays * Math.min(headChunkBytes, logitsBytes) + joinedCopies * bytesPerNumber * joinedHead;
  const parts = { program: programBytes + runningBytes, weights: weightBytes, training, activations, head };
  return { ...parts, total: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0) };
}
