// SPDX-License-Identifier: Apache-2.0
import { PrecisionToken, type Run } from '@llmf/core';
import type { Model } from '@llmf/nn';
import { keptOfPass, weightBytesOf } from '../policy/memory.js';

/** Products reach their rate with this many rows: longer passes cost memory and save nothing. */
const mostTokens = 1024;
/** What the activations of a small model's pass may take, however little its weights do. */
const leastRoomBytes = 256 * 1024 * 1024;

/**
 * Tokens of a pass: `train.tokensPerPass`, else as many as keep no more for the reverse pass than the model's weights
 * take. It follows from config and model alone, so that a run goes on to the same bits on another machine.
 */
export function tokensPerPass(
  run: Run,
  model: Pick<Model, 'linears' | 'targets' | 'blocks' | 'hiddenSize' | 'parameters'>,
): number {
  const { tokensPerPass: given, gradientCheckpointing } = run.config.train;
  if (given !== null) return given;
  const gatedBytes = run.container.resolve(PrecisionToken) === 'bf16' ? 2 : 4;
  const kept = keptOfPass(model, { gradientCheckpointing: gradientCheckpointing === true, gatedBytes });
  const room = Math.max(leastRoomBytes, weightBytesOf({ model, adapter: null }));
  return Math.max(1, Math.min(mostTokens, Math.floor(room / kept)));
}
