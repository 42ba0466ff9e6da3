// SPDX-License-Identifier: Apache-2.0
/**
 * (IA)³: Liu et al., "Few-shot parameter-efficient fine-tuning is better and cheaper than in-context learning", NeurIPS
 * 2022, section 3.3: keys and values, y ∘ l, and the inner activations of the MLP, which are the inputs x ∘ l of its last
 * layer, are scaled by learned vectors l that begin as ones. Files as PEFT's (peft/tuners/ia3/layer.py, 0.21).
 */
import { resolve } from 'node:path';
import {
  readAdapterFolder,
  selectTargets,
  targetModules,
  tf,
  type Adapter,
  type AttachedAdapter,
  type LinearLayer,
  type MergedLayer,
  type Model,
  type PeftForm,
  type Tensor2D,
  type Variable,
} from '@llmf/nn';
import { z } from 'zod';
import { errors } from './errors.js';
import { variableOf } from './variables.js';

const names = z.array(z.string()).min(1);
export const ia3Options = z.strictObject({
  targets: names
    .optional()
    .describe('Layers whose outputs are scaled: names or a /pattern/; left out: those of keys and values.'),
  feedforward: names.optional().describe('Layers whose inputs are scaled; left out: the last of each MLP.'),
  path: z
    .string()
    .optional()
    .describe('Continue from this PEFT adapter folder; its layers hold.')
    .meta({ decides: 'content' }),
});
export type Ia3Options = z.infer<typeof ia3Options>;

export const ia3: Adapter = {
  name: 'ia3',
  description: 'learned factors on keys, values and inner activations; the base model stays frozen',
  options: ia3Options,
  /** Liu et al., appendix D. */
  learningRate: 3e-3,
  trainsBase: () => false,
  async attach(model, options, _random, folder) {
    const { path, ...wanted } = options as Ia3Options;
    return path === undefined ? fresh(model, wanted) : await saved(model, resolve(folder, path), 'adapter.path');
  },
  reads: ({ peft_type }) => peft_type === 'IA3',
  load: saved,
};

/** What is scaled: the outputs of a layer (keys, values), or its inputs (the last layer of an MLP). */
type Side = 'outputs' | 'inputs';

/** Names that checkpoints have for them; the tables of PEFT (utils/constants.py) hold these for the families they know. */
const usual: Readonly<Record<Side, readonly string[]>> = {
  outputs: ['k_proj', 'v_proj', 'key', 'value', 'query_key_value', 'c_attn'],
  inputs: ['down_proj', 'fc2', 'fc_out', 'mlp.c_proj', 'dense_4h_to_h', 'output.dense'],
};

interface Scale {
  readonly layer: LinearLayer;
  readonly side: Side;
  readonly values: Float32Array;
}

/** @throws LLMF_ADAPTERS_NO_TARGETS, LLMF_NN_UNKNOWN_TARGET */
function fresh(model: Model, { targets, feedforward }: Omit<Ia3Options, 'path'>): Ia3Adapter {
  const outputs = selectTargets(model, targets ?? known(model, 'outputs'));
  const inputs = selectTargets(model, feedforward ?? known(model, 'inputs'));
  const both = outputs.find((layer) => inputs.includes(layer));
  if (both !== undefined) throw errors.bothTargets({ layer: both.path });
  const side = new Map<LinearLayer, Side>([
    ...outputs.map((layer) => [layer, 'outputs'] as const),
    ...inputs.map((layer) => [layer, 'inputs'] as const),
  ]);
  const scales = [...model.linears.values()].flatMap((layer): Scale[] => {
    const of = side.get(layer);
    return of === undefined ? [] : [{ layer, side: of, values: new Float32Array(layer[of]).fill(1) }];
  });
  return new Ia3Adapter(model, scales);
}

function known(model: Model, side: Side): string[] {
  const paths = [...(model.targets ?? model.linears).keys()];
  const found = usual[side].filter((name) => paths.some((path) => path.endsWith(`.${name}`)));
  if (found.length === 0)
    throw errors.noTargets({ known: [...new Set(paths.map((path) => path.slice(path.lastIndexOf('.') + 1)))] });
  return found;
}

const form: PeftForm = {
  expected: 'an IA3 adapter as PEFT writes it',
  computed: z.looseObject({ peft_type: z.literal('IA3') }),
  /** Which side of which layer is told by the tensors. */
  silent: new Set(['target_modules', 'exclude_modules', 'feedforward_modules', 'fan_in_fan_out', 'init_ia3_weights']),
  reads: (tensor) => /\.ia3_l(\.default)?$/.test(tensor),
};

async function saved(model: Model, folder: string, option: string): Promise<Ia3Adapter> {
  const file = await readAdapterFolder(folder, option, form);
  const scales = file.byLayer(model, ['ia3_l']).map((of): Scale => {
    const { layer, tensors } = of;
    const side: Side = tensors['ia3_l']!.shape[0] === layer.outputs ? 'outputs' : 'inputs';
    const shape = side === 'outputs' ? [layer.outputs, 1] : [1, layer.inputs];
    return { layer, side, values: file.part(of, 'ia3_l', shape) };
  });
  return new Ia3Adapter(model, scales);
}

class Ia3Adapter implements AttachedAdapter {
  readonly variables: ReadonlyMap<string, Variable>;
  readonly peftConfig: Readonly<Record<string, unknown>>;
  readonly isIdentity: boolean;
  private readonly scales: Readonly<Record<Side, ReadonlyMap<string, Variable>>>;

  constructor(model: Model, scales: readonly Scale[]) {
    const made = scales.map((scale) => ({ ...scale, variable: variableOf(scale.values, shapeOf(scale)) }));
    const of = (wanted: Side) =>
      new Map(made.flatMap(({ layer, side, variable }) => (side === wanted ? [[layer.path, variable] as const] : [])));
    this.scales = { outputs: of('outputs'), inputs: of('inputs') };
    this.variables = new Map(made.map(({ layer, variable }) => [moduleKey(model, layer.path), variable]));
    this.isIdentity = scales.every(({ values }) => values.every((value) => value === 1));
    this.peftConfig = peftConfig(model, [...this.scales.outputs.keys()], [...this.scales.inputs.keys()]);
  }

  lowRank(): null {
    return null;
  }

  changes(path: string): boolean {
    return this.scales.outputs.has(path) || this.scales.inputs.has(path);
  }

  transformInput({ path }: LinearLayer, x: Tensor2D): Tensor2D {
    const scale = this.scales.inputs.get(path); // [1, K]
    return scale === undefined ? x : tf.mul(x, scale);
  }

  transform({ path, outputs }: LinearLayer, _x: Tensor2D, y: Tensor2D): Tensor2D {
    const scale = this.scales.outputs.get(path); // [N, 1]
    return scale === undefined ? y : tf.mul(y, tf.reshape(scale, [1, outputs]));
  }

  /** diag(l) W and l ∘ b, or W diag(l) */
  merged({ path, weight, bias, outputs }: LinearLayer): MergedLayer | null {
    const scale = this.scales.outputs.get(path) ?? this.scales.inputs.get(path);
    if (scale === undefined) return null;
    const changesBias = bias !== null && this.scales.outputs.has(path);
    return tf.tidy(() => ({
      weight: tf.mul<Tensor2D>(weight, scale),
      ...(changesBias ? { bias: tf.mul(bias, tf.reshape(scale, [outputs])) } : {}),
    })) as unknown as MergedLayer;
  }

  dispose(): void {
    for (const variable of this.variables.values()) variable.dispose();
  }
}

const shapeOf = ({ layer, side }: Scale): [number, number] =>
  side === 'outputs' ? [layer.outputs, 1] : [1, layer.inputs];

const moduleKey = ({ moduleNames }: Model, path: string): string =>
  `base_model.model.${moduleNames?.toTransformers(path) ?? path}.ia3_l`;

function peftConfig(model: Model, outputs: readonly string[], inputs: readonly string[]): Record<string, unknown> {
  const feedforward = targetModules(model, inputs);
  return {
    peft_type: 'IA3',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: model.config['_name_or_path'] ?? '',
    target_modules: [...targetModules(model, outputs), ...feedforward],
    feedforward_modules: feedforward,
    fan_in_fan_out: false, // PEFT sets it itself for layers stored the other way round
    init_ia3_weights: true,
    inference_mode: true,
    modules_to_save: null,
  };
}
