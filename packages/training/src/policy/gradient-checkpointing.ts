// SPDX-License-Identifier: Apache-2.0
import { freemem } from 'node:os';
import { findNamed, formatBytes, PrecisionToken, type Run } from '@llmf/core';
import { kernels, tf } from '@llmf/nn';
import { OptimizerToken } from '../contracts/optimizer.js';
import type { Rows } from '../rows/rows.js';
import { weightBytesOf } from './memory.js';
import { estimateMemory, type MemoryFacts } from './memory-estimate.js';
import type { Policy } from './policy.js';

/** What was decided for the rows of a run, and said. */
const decided = new WeakMap<Rows, boolean>();

/**
 * Whether passes with gradients compute blocks again going back: as `train.gradientCheckpointing` says, else where the
 * estimate for the longest pass is beyond what this machine can give. It changes memory and time, not what is learned.
 */
export function recomputesBlocks(
  run: Run,
  policy: Pick<Policy, 'model' | 'adapter' | 'variables' | 'heads'>,
  rows: Rows,
): boolean {
  const { gradientCheckpointing: given } = run.config.train;
  if (given !== null) return given;
  const known = decided.get(rows);
  if (known !== undefined) return known;
  const facts = trainingMemory(run, policy, rows.mostTokens);
  // Weights that were read are part of the process by now; mapped ones become part of it.
  const programBytes = Math.max(0, process.memoryUsage().rss - facts.weightBytes);
  const { total } = estimateMemory({ ...facts, programBytes, gradientCheckpointing: false });
  const isNeeded = total > availableBytes();
  if (isNeeded) run.logger.info(checkpointingText(total));
  decided.set(rows, isNeeded);
  return isNeeded;
}

/** What memory training a policy takes, as far as the policy and the run's choices say it. */
export function trainingMemory(
  { config, container }: Pick<Run, 'config' | 'container'>,
  policy: Pick<Policy, 'model' | 'adapter' | 'variables' | 'heads'>,
  tokens: number,
): Omit<MemoryFacts, 'programBytes' | 'gradientCheckpointing'> {
  const { model, variables, heads } = policy;
  const optimizer = config.choices['train.optimizer']![0]!;
  // A composite is registered when it is first used, which may not be yet.
  const hasNativeKernels = tf.getKernel(kernels.attention, tf.getBackend()) !== undefined;
  const isBf16 = hasNativeKernels && container.resolve(PrecisionToken) === 'bf16';
  const hasLogits = ![...heads.values()].some(({ head }) => head.replacesLanguageModel === true);
  return {
    weightBytes: weightBytesOf(policy),
    trained: [...variables.values()].reduce((sum, { size }) => sum + size, 0),
    optimizerBytes: findNamed(container, OptimizerToken, optimizer.name).bytesPerWeight(optimizer.options as never),
    tokens,
    hasLogits,
    joinedHead: hasLogits ? joinedHead(policy) : 0,
    model,
    hasNativeKernels,
    gatedBytes: isBf16 ? 2 : 4,
  };
}

/** Numbers of the head's weight with the columns of an adapter's update: see `headInputs`. */
const joinedHead = ({ model, adapter }: Pick<Policy, 'model' | 'adapter'>): number =>
  tf.tidy(() => {
    const update = adapter?.replaced?.model.head.update?.();
    return update === undefined ? 0 : model.vocabularySize * (model.hiddenSize + update.a.shape[0]);
  });

/** Why blocks are computed again where nobody asked for it. */
export const checkpointingText = (total: number): string =>
  `gradient checkpointing: on, as a step would take about ${text(total)} and this process can have ${text(availableBytes())}; ` +
  'train.gradientCheckpointing: false keeps all activations';

const text = (bytes: number) => formatBytes(bytes, { binary: true });

/**
 * What this process has, and what the system or the limit of its group still gives. Node.js before 20.13 does not know
 * that limit.
 */
export const availableBytes = (): number =>
  process.memoryUsage().rss + ((process.availableMemory as (() => number) | undefined)?.() ?? freemem());
