// SPDX-License-Identifier: Apache-2.0
/**
 * DoRA: Liu et al., "DoRA: weight-decomposed low-rank adaptation", ICML 2024, equation 5: a low-rank update changes the
 * direction of each row of W, a learned magnitude m [outputs] is its length:
 *   y = (m / ‖W + s·B A‖) ∘ (x (W + s·B A)ᵀ) + b, the norm by rows and held constant going back (section 4.3).
 * Dropout acts on the adapter's own path, as in PEFT 0.21 (peft/tuners/lora/dora.py): base(x) + (f − 1)·base(x′) +
 * f·low-rank(x′), f the factor and x′ the input after dropout. Files are PEFT's: a LoRA with `use_dora`.
 */
import { resolve } from 'node:path';
import {
  detached,
  dropped,
  freshLora,
  linear,
  LoraAdapter,
  loraForm,
  loraOptions,
  readAdapterFolder,
  isOwn,
  savedFacts,
  savedModules,
  savedPair,
  targetTables,
  tf,
  type Adapter,
  type AttachedAdapter,
  type ForwardContext,
  type LinearLayer,
  type LoraOptions,
  type LowRank,
  type MergedLayer,
  type Model,
  type Tensor1D,
  type Tensor2D,
  type Variable,
} from '@llmf/nn';
import { z } from 'zod';
import { errors } from './errors.js';
import { variableOf } from './variables.js';

export const doraOptions = loraOptions;
export type DoraOptions = LoraOptions;

export const dora: Adapter = {
  name: 'dora',
  description: 'low-rank updates of the directions of weights, and learned magnitudes; the base model stays frozen',
  options: doraOptions,
  trainsBase: () => false,
  async attach(model, options, random, folder, tokenize) {
    const chosen = options as DoraOptions;
    checkTargets(model, chosen.targets);
    if (chosen.path === undefined)
      return new DoraAdapter(model, await freshLora(model, chosen, random, tokenize), null);
    return await saved(model, resolve(folder, chosen.path), 'adapter.path', chosen.dropout);
  },
  reads: ({ peft_type, use_dora }) => peft_type === 'LORA' && use_dora === true,
  load: saved,
};

/** PEFT's DoRA of a table or of the head has a magnitude too. @throws LLMF_ADAPTERS_DORA_TARGET */
function checkTargets(model: Model, targets: DoraOptions['targets']): void {
  const { tables, head } = targetTables(model, targets);
  const [path] = [...tables, ...(head ? [model.tree!.headPath] : [])];
  if (path !== undefined) throw errors.doraTarget({ path });
}

const form = {
  ...loraForm,
  expected: 'a DoRA adapter as PEFT writes it',
  computed: loraForm.computed.extend({ use_dora: z.literal(true) }),
  reads: (tensor: string) => loraForm.reads(tensor) || /\.lora_magnitude_vector(\.default)?(\.weight)?$/.test(tensor),
};

async function saved(model: Model, folder: string, option: string, dropout = 0): Promise<DoraAdapter> {
  const file = await readAdapterFolder(folder, option, form);
  const layers = file.byLayer(model, ['lora_A', 'lora_B', 'lora_magnitude_vector'], (key) => isOwn(model, key));
  const pairs = layers.map((of) => savedPair(model, file, of));
  const magnitudes = layers.map(
    (of) => [of.layer.path, file.part(of, 'lora_magnitude_vector', [of.layer.outputs])] as const,
  );
  const lora = new LoraAdapter(
    model,
    pairs,
    savedFacts(file.config, dropout),
    null,
    await savedModules(model, file, dropout),
  );
  return new DoraAdapter(model, lora, new Map(magnitudes));
}

class DoraAdapter implements AttachedAdapter {
  readonly variables: ReadonlyMap<string, Variable>;
  readonly peftConfig: Readonly<Record<string, unknown>>;
  readonly isIdentity: boolean;
  private readonly magnitudes: ReadonlyMap<string, Variable>;
  /** ‖W‖² by rows, [outputs]. */
  private readonly squares: ReadonlyMap<string, Tensor1D>;

  /** @param magnitudes by path; null: ‖W‖, of which a fresh adapter changes nothing */
  constructor(
    model: Model,
    private readonly lora: LoraAdapter,
    magnitudes: ReadonlyMap<string, Float32Array> | null,
  ) {
    const squares = ({ weight }: LinearLayer): Tensor1D => tf.tidy(() => tf.sum(tf.square(weight), 1));
    this.squares = new Map(lora.paths.map((path) => [path, tf.keep(squares(model.linears.get(path)!))]));
    this.magnitudes = new Map(lora.paths.map((path) => [path, this.magnitudeOf(path, magnitudes)]));
    this.variables = new Map([
      ...lora.variables,
      ...lora.paths.map((path) => [magnitudeKey(model, path), this.magnitudes.get(path)!] as const),
    ]);
    this.peftConfig = { ...lora.peftConfig, use_dora: true };
    this.isIdentity = lora.isIdentity && magnitudes === null;
  }

  get replaced(): AttachedAdapter['replaced'] {
    return this.lora.replaced;
  }

  /** The file of a LoRA, and the magnitudes. */
  get saved(): AttachedAdapter['saved'] {
    const ofLora = this.lora.saved;
    if (ofLora === undefined) return undefined;
    const magnitudes = [...this.variables].filter(([key]) => !this.lora.variables.has(key));
    return () => new Map([...ofLora(), ...magnitudes.map(([key, value]) => [key, tf.clone(value)] as const)]);
  }

  get ownWeights(): AttachedAdapter['ownWeights'] {
    return this.lora.ownWeights;
  }

  /** Computed with the layer, where dropout does not ask for the base's part of the same input. */
  lowRank(path: string): LowRank | null {
    const lowRank = this.lora.lowRank(path);
    return lowRank === null || lowRank.dropout > 0 ? null : lowRank;
  }

  changes(path: string): boolean {
    return this.magnitudes.has(path);
  }

  transform(layer: LinearLayer, x: Tensor2D, y: Tensor2D, context: ForwardContext): Tensor2D {
    const lowRank = this.lora.lowRank(layer.path);
    if (lowRank === null) return y;
    const { weight, bias } = layer;
    const factor = this.factor(layer, lowRank); // [N]
    const plain = bias === null ? y : tf.sub(y, bias);
    if (lowRank.dropout === 0) return withBias(tf.mul(plain, factor), bias);
    const { training, randomKey: key, firstToken: firstRow = 0 } = context;
    const input = dropped(x, lowRank.dropout, training ? { key, site: layer.path, firstRow } : undefined);
    const joined = linear(input, weight, { lowRank: { ...lowRank, dropout: 0 } });
    const base = training ? linear(input, weight) : plain;
    return tf.add(y, tf.sub(tf.mul(joined, factor), base));
  }

  /** diag(m / ‖W + s·B A‖) (W + s·B A) */
  merged(layer: LinearLayer): MergedLayer | null {
    const lowRank = this.lora.lowRank(layer.path);
    const added = this.lora.merged(layer);
    if (lowRank === null || added === null) return null;
    const weight = tf.tidy(() => tf.mul(added.weight, tf.expandDims(this.factor(layer, lowRank), 1)) as Tensor2D);
    added.weight.dispose();
    return { weight };
  }

  dispose(): void {
    this.lora.dispose();
    tf.dispose([...this.squares.values(), ...this.magnitudes.values()]);
  }

  private magnitudeOf(path: string, given: ReadonlyMap<string, Float32Array> | null): Variable {
    const values = given?.get(path);
    if (values !== undefined) return variableOf(values, [values.length]);
    const lengths = tf.sqrt(this.squares.get(path)!);
    const variable = tf.variable(lengths, true);
    lengths.dispose();
    return variable;
  }

  /**
   * m / ‖W + s·B A‖, [N]. The squared norm is that of W, which stays, plus 2 s·Σ B ∘ (W Aᵀ) + s²·Σ (B A Aᵀ) ∘ B, so that
   * no weight of the size of W is made.
   */
  private factor({ path, weight }: LinearLayer, { a, b, scale }: LowRank): Tensor1D {
    const [left, right] = [b as unknown as Tensor2D, a as unknown as Tensor2D]; // [N, r], [r, K]
    const lengths = detached(() => {
      const crossed = tf.transpose(linear(right, weight)); // W Aᵀ [N, r]
      const squared = tf.matMul(left, tf.matMul(right, right, false, true)); // B A Aᵀ [N, r]
      const added = tf.add(tf.mul(crossed, 2 * scale), tf.mul(squared, scale * scale));
      return tf.sqrt(tf.add(this.squares.get(path)!, tf.sum(tf.mul(left, added), 1)));
    });
    return tf.div(this.magnitudes.get(path)!, lengths);
  }
}

const withBias = (y: Tensor2D, bias: Tensor1D | null): Tensor2D => (bias === null ? y : tf.add(y, bias));

const magnitudeKey = ({ moduleNames }: Model, path: string): string =>
  `base_model.model.${moduleNames?.toTransformers(path) ?? path}.lora_magnitude_vector`;
