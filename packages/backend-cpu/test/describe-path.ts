// SPDX-License-Identifier: Apache-2.0
import { describeOps } from '@llmf/testkit';
import { describe, it } from 'vitest';
import { addonUnavailable } from '../src/addon/load.js';
import { startNativeBackend } from '../src/backend/start.js';
import { describeFewRows } from './few-rows.js';
import { describeIndependence } from './independence.js';
import { describeLargeOps } from './large-ops.js';
import { describePackedWeights } from './packed-weights.js';
import { describePacking } from './packing.js';
import { describeRandomShapes } from './random-shapes.js';
import { describeRoundedProducts } from './rounded-products.js';
import { describeStandardKernels } from './standard-kernels.js';

/**
 * All claims about kernels on one instruction path, which is forced for this process: one path per test file. Skips,
 * saying why, where the addon cannot be compiled or the processor lacks the path.
 */
export async function describePath(path: string): Promise<void> {
  process.env['LLMF_CPU_ISA'] = path;
  const reason = await whyNot(path);
  if (reason !== null) {
    describe.skip(`${path}: ${reason}`, () => it('is not tested here'));
    return;
  }
  const start = async () => void (await startNativeBackend({ threads: 2, sharedFrom: 0 }));
  describeOps(`the native backend, ${path}`, { start });
  describeStandardKernels(start);
  describeRandomShapes(start);
  describeLargeOps(start);
  describeIndependence(start);
  describeRoundedProducts(start);
  describePackedWeights(start);
  describePacking(start);
  describeFewRows(start);
}

async function whyNot(path: string): Promise<string | null> {
  const unavailable = addonUnavailable();
  if (unavailable !== null) return unavailable;
  try {
    await startNativeBackend({ threads: 2, sharedFrom: 0 });
    return null;
  } catch (error) {
    if (String(error).includes('LLMF_BACKEND_CPU_PATH')) return `this processor has no ${path}`;
    throw error;
  }
}
