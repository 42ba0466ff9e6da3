// SPDX-License-Identifier: Apache-2.0
import { registerCopy } from '@llmf/core';
import { errors } from './errors.js';

interface Copy {
  readonly version: string;
  readonly url: string;
}

/**
 * Kernels, gradients and the recording of a pass are registered per process: a second copy of nn would see half of
 * them. The first copy puts its mark on globalThis; another one that finds it does not start.
 *
 * @throws LLMF_NN_TWO_COPIES
 */
export function claimSingleCopy(version: string, url: string): void {
  registerCopy('@llmf/nn', version, url);
  const marks = globalThis as Record<symbol, Copy | undefined>;
  const first = (marks[Symbol.for('llmf:nn-copy')] ??= { version, url });
  if (first.url !== url) throw errors.twoCopies({ versions: [first, { version, url }].map(describe) });
}

const describe = ({ version, url }: Copy) => `${version} (${url})`;
