// SPDX-License-Identifier: Apache-2.0
import type { LinearLayer, Model } from '@llmf/nn';

/** What a run's peak memory is made of, in bytes. */
export interface MemoryEstimate {
  /** The process as it is with model and data open. */
  readonly loaded: number;
  /** Gradient and two moments of every trained weight. */
  readonly training: number;
  /** What the largest microbatch keeps for the reverse pass. */
  readonly activations: number;
  /** Logits and their gradients, one chunk at a time. */
  readonly head: number;
  readonly total: number;
}

export interface MemoryFacts {
  readonly loadedBytes: number;
  /** Numbers that are trained. */
  readonly trained: number;
  /** Tokens of the largest microbatch as it is packed. */
  readonly tokens: number;
  readonly model: Pick<Model, 'linears' | 'blocks' | 'hiddenSize' | 'vocabularySize'>;
  readonly gradientCheckpointing: boolean;
  /** The backend has fused kernels of its own for attention and the head; else nn's composites make copies on the way. */
  readonly hasNativeKernels: boolean;
}

const bytesPerNumber = 4;
/** Bytes of logits that exist at a time: see selectedLogProbs. */
const headChunkBytes = 32 * 1024 * 1024;
/** Arrays of that size, and copies of what is kept: measured with 28 M weights and 1,112 tokens on cpu and wasm. */
const overhead = { native: { headArrays: 1.25, copies: 1 }, composite: { headArrays: 8, copies: 2.2 } };

/** An estimate of the peak: within about 15 % for native kernels, 25 % for composites. */
export function estimateMemory({
  loadedBytes,
  trained,
  tokens,
  model,
  gradientCheckpointing,
  hasNativeKernels,
}: MemoryFacts): MemoryEstimate {
  const training = trained * 3 * bytesPerNumber;
  const all = keptPerToken([...model.linears.values()]);
  const kept = gradientCheckpointing
    ? model.blocks.length * model.hiddenSize + all / Math.max(1, model.blocks.length) // block inputs, one block whole
    : all;
  const { headArrays, copies } = hasNativeKernels ? overhead.native : overhead.composite;
  const activations = Math.round(copies * tokens * kept * bytesPerNumber);
  const head = headArrays * Math.min(headChunkBytes, tokens * model.vocabularySize * bytesPerNumber);
  return { loaded: loadedBytes, training, activations, head, total: loadedBytes + training + activations + head };
}

/**
 * Numbers per token that the reverse pass needs: what each linear layer reads, counted once for layers that read the
 * same (q, k, v; gate, up), and what each writes. Norms, attention and activations read one and write another of these.
 */
export function keptPerToken(layers: readonly Pick<LinearLayer, 'path' | 'inputs' | 'outputs'>[]): number {
  let kept = 0;
  for (const members of groupByParent(layers).values()) {
    const last = members.at(-1)!; // reads what the others of its module made
    const shared = new Set(members.slice(0, -1).map(({ inputs }) => inputs));
    kept += last.inputs + [...shared].reduce((sum, inputs) => sum + inputs, 0);
    kept += members.reduce((sum, { outputs }) => sum + outputs, 0);
  }
  return kept;
}

const parentOf = ({ path }: { readonly path: string }) => path.slice(0, path.lastIndexOf('.'));

function groupByParent<L extends { readonly path: string }>(layers: readonly L[]): Map<string, L[]> {
  const groups = new Map<string, L[]>();
  for (const layer of layers) groups.set(parentOf(layer), [...(groups.get(parentOf(layer)) ?? []), layer]);
  return groups;
}
