// SPDX-License-Identifier: Apache-2.0
import { weightBytes, type LinearLayer, type Model } from '@llmf/nn';
import type { Policy } from './policy.js';

const bytesPerNumber = 4;

export interface KeptForm {
  readonly gradientCheckpointing: boolean;
  /** Of a number that a gated MLP's first two layers write: 2 where native kernels compute in bf16. */
  readonly gatedBytes: 2 | 4;
}

/** Bytes that a pass with gradients keeps for each of its tokens. */
export function keptOfPass(
  model: Pick<Model, 'linears' | 'targets' | 'blocks' | 'hiddenSize'>,
  { gradientCheckpointing, gatedBytes }: KeptForm,
): number {
  const all = keptPerToken([...(model.targets ?? model.linears).values()], gatedBytes);
  const inputsOfBlocks = model.blocks.length * model.hiddenSize * bytesPerNumber;
  return gradientCheckpointing ? inputsOfBlocks + all / Math.max(1, model.blocks.length) : all;
}

/** The bytes of all weights as they are kept, or would be. */
export function weightBytesOf({
  model,
  adapter,
}: {
  readonly model: Pick<Model, 'parameters'>;
  readonly adapter: Pick<NonNullable<Policy['adapter']>, 'variables'> | null;
}): number {
  const values = [...[...model.parameters.values()].map(({ value }) => value), ...(adapter?.variables.values() ?? [])];
  return values.reduce((sum, value) => sum + weightBytes(value), 0);
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
