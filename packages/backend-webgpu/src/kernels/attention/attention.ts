// SPDX-License-Identifier: Apache-2.0
import { kernels, type AttentionAttributes, type AttentionSpan } from '@llmf/nn';
import type { TrainingWebGpuBackend } from '../../backend/webgpu-backend.js';
import { defineKernel, type TensorInfo } from '../define-kernel.js';
import { elementGroups } from '../elementwise.js';
import { biasGradientProgram } from './bias-gradient-program.js';
import { forwardProgram } from './forward.js';
import { keyGradientProgram, queryGradientProgram, statsProgram } from './gradient-programs.js';
import { numbersOf, threads, tilingOf, type Tiling } from './shader.js';
import { keyTable, queryTable } from './tables.js';

interface Inputs {
  readonly q: TensorInfo; // [Tq, H, D]
  readonly k: TensorInfo; // [Tk, G, D]
  readonly v: TensorInfo; // [Tk, G, D]
  readonly bias?: TensorInfo; // [H, N]
}
interface GradientInputs extends Inputs {
  readonly dy: TensorInfo; // [Tq, H, D]
  readonly out: TensorInfo; // [Tq, H, D]
  readonly logSumExp: TensorInfo; // [Tq, H]
}

/** Every query of a span sees a key; queries of no span have zeros. */
const attention = defineKernel<Inputs, AttentionAttributes>({
  kernelName: kernels.attention,
  run(inputs, attributes, backend) {
    const { q, k, v, bias } = inputs;
    const [tokens, heads, size] = q.shape as [number, number, number];
    const tiling = tilingOf(size, 1, bias !== undefined, backend);
    const { tensor: table, groups } = queryTable(attributes, tiling.queries, backend);
    const [outputs, logSumExp] = [backend.zeros(q.shape), backend.zeros([tokens, heads])];
    backend.runner.run(made(forwardProgram, tiling), {
      reads: { q, k, v, table, ...given({ bias }) },
      writes: { outputs, logSumExp },
      numbers: numbersOf(attributes, heads, k.shape[1]!, bias),
      groups: groups * heads,
      groupWork: 2 * tiling.queries * size * mostKeys(attributes.spans),
    });
    backend.disposeData(table.dataId);
    return [outputs, logSumExp];
  },
});

const attentionGradient = defineKernel<GradientInputs, AttentionAttributes & { readonly wantsBias?: boolean }>({
  kernelName: kernels.attentionGradient,
  run({ dy, q, k, v, bias, out, logSumExp }, attributes, backend) {
    const [tokens, heads, size] = q.shape as [number, number, number];
    const [keyRows, groupsOfHeads] = k.shape as [number, number, number];
    const stats = statsOf(dy, out, logSumExp, backend);
    const reads = { q, k, v, dy, stats, ...given({ bias }) };
    const numbers = numbersOf(attributes, heads, groupsOfHeads, bias);
    const tiling = tilingOf(size, 2, bias !== undefined, backend);
    const dq = backend.zeros([tokens, heads, size]);
    const queries = queryTable(attributes, tiling.queries, backend);
    backend.runner.run(made(queryGradientProgram, tiling), {
      reads: { ...reads, table: queries.tensor },
      writes: { dq },
      numbers,
      groups: queries.groups * heads,
      groupWork: 3 * tiling.queries * size * mostKeys(attributes.spans),
    });
    const [dk, dv] = [backend.output(k.shape), backend.output(v.shape)];
    const keys = keyTable(attributes, keyRows, tiling.keys, backend);
    const seeing = attributes.spans.reduce((sum, { queryLength }) => sum + queryLength, 0);
    backend.runner.run(made(keyGradientProgram, tiling), {
      reads: { ...reads, table: keys.tensor },
      writes: { dk, dv },
      numbers: { ...numbers, blocks: keys.groups, keyRows },
      groups: keys.groups * groupsOfHeads,
      groupWork: 4 * tiling.keys * size * (heads / groupsOfHeads) * seeing,
    });
    const dBias = attributes.wantsBias === true ? biasGradient({ ...reads, bias: bias! }, queries.tensor) : null;
    for (const { dataId } of [stats, queries.tensor, keys.tensor]) backend.disposeData(dataId);
    return dBias === null ? [dq, dk, dv] : [dq, dk, dv, dBias];

    function biasGradient(of: typeof reads & { readonly bias: TensorInfo }, table: TensorInfo): TensorInfo {
      const gradient = backend.output(of.bias.shape);
      const [, entries] = of.bias.shape as [number, number];
      backend.runner.run(biasGradientProgram(size), {
        reads: { ...of, table },
        writes: { dBias: gradient },
        numbers,
        groups: Math.ceil((heads * entries) / threads),
        groupWork: 2 * threads * size * seeing,
      });
      return gradient;
    }
  },
});

/** logSumExp and Δ of each query and head. */
function statsOf(dy: TensorInfo, y: TensorInfo, logSumExp: TensorInfo, backend: TrainingWebGpuBackend): TensorInfo {
  const [tokens, heads, width] = y.shape as [number, number, number];
  const stats = backend.output([tokens, heads, 2]);
  backend.runner.run(statsProgram, {
    reads: { dy, y, logSumExp },
    writes: { stats },
    numbers: { size: tokens * heads, width },
    ...elementGroups(tokens * heads),
  });
  return stats;
}

/** Keys that a query of the longest span may see. */
const mostKeys = (spans: readonly AttentionSpan[]): number =>
  spans.reduce((most, { keyLength, prefixLength }) => Math.max(most, keyLength + prefixLength), 1);

const given = ({ bias }: { readonly bias: TensorInfo | undefined }): { bias?: TensorInfo } =>
  bias === undefined ? {} : { bias };

/** Programs by their tiling; their names hold all of it. */
const programs = new WeakMap<object, Map<string, unknown>>();

function made<P>(make: (tiling: Tiling) => P, tiling: Tiling): P {
  const known = programs.get(make) ?? new Map<string, unknown>();
  programs.set(make, known);
  const key = Object.values(tiling).join(' ');
  if (!known.has(key)) known.set(key, make(tiling));
  return known.get(key) as P;
}

export const attentionKernels = [attention, attentionGradient];
