// SPDX-License-Identifier: Apache-2.0
/**
 * Optimizers that remember in 8 bits: Dettmers et al., "8-bit optimizers via block-wise quantization", ICLR 2022
 * (arXiv:2110.02861). Each update expands what is remembered of one parameter, updates in float32 and rounds it again; the
 * parameter itself stays float32. Blocks, code book and the limit of small tensors are those of bitsandbytes.
 */
import type { HostTensor, StateValue } from '@llmf/core';
import { tf, type DynamicCodes, type Scalar, type Variable } from '@llmf/nn';
import type { Gradient } from '../contracts/hooks.js';
import type { Optimizer, OptimizerState } from '../contracts/optimizer.js';
import { checkSaved } from '../policy/variable-state.js';
import { EightBitMoment, eightBitBytes } from './eight-bit-moment.js';
import { OptimizerMemory } from './optimizer-memory.js';
import { runStep, type ParameterUpdate } from './per-parameter.js';

/** Tensors of fewer numbers are remembered in float32: norms and biases, whose rounding costs most and saves nothing. */
const leastSize = 4096;

interface EightBit<Options> extends Pick<Optimizer, 'name' | 'description' | 'options'> {
  /** What is remembered, by name, and whether it has a sign. */
  readonly moments: Readonly<Record<string, DynamicCodes>>;
  step(update: ParameterUpdate<Options>): void;
}

/** An optimizer whose moments are kept in 8 bits. */
export function eightBit<Options>({ moments, step, ...facts }: EightBit<Options>): Optimizer {
  return {
    ...facts,
    bytesPerWeight: () => Object.keys(moments).length * eightBitBytes,
    create: (variables, options) => new EightBitState(variables, moments, options as Options, step),
  };
}

class EightBitState<Options> implements OptimizerState {
  private readonly small: OptimizerMemory;
  private readonly large = new Map<string, ReadonlyMap<string, EightBitMoment>>();

  constructor(
    variables: ReadonlyMap<string, Variable>,
    moments: EightBit<Options>['moments'],
    private readonly options: Options,
    private readonly step: EightBit<Options>['step'],
  ) {
    const isSmall = ({ size }: Variable) => size < leastSize;
    const shapes = (shape: readonly number[]) => Object.fromEntries(Object.keys(moments).map((part) => [part, shape]));
    this.small = new OptimizerMemory(new Map([...variables].filter(([, each]) => isSmall(each))), shapes);
    for (const [name, variable] of variables) {
      if (isSmall(variable)) continue;
      const parts = Object.entries(moments).map(
        ([part, kind]) => [part, new EightBitMoment(variable.size, kind)] as const,
      );
      this.large.set(name, new Map(parts));
    }
  }

  async update(
    gradients: ReadonlyMap<string, Gradient>,
    learningRate: number,
    _step: number,
    scale?: Scalar,
  ): Promise<void> {
    this.small.updates += 1;
    for (const [name, gradient] of gradients) {
      const expanded = this.expandedOf(name, gradient.variable);
      runStep(this.step, gradient, {
        learningRate,
        scale,
        update: this.small.updates,
        options: this.options,
        memory: (part) => expanded.get(part) ?? this.small.of(name, part),
      });
      for (const [part, values] of expanded) {
        const moment = this.large.get(name)!.get(part)!;
        moment.pack((await values.data()) as Float32Array);
        values.dispose();
      }
    }
  }

  async save(): Promise<StateValue> {
    const { json, tensors: small } = await this.small.save();
    return { json: json!, tensors: { ...small, ...this.largeTensors() } };
  }

  load({ json, tensors = {} }: StateValue): void {
    const expected = this.largeTensors();
    const [large, small]: Record<string, HostTensor>[] = [{}, {}];
    for (const [name, tensor] of Object.entries(tensors)) (name in expected ? large : small)![name] = tensor;
    checkSaved(new Map(Object.entries(expected).map(([name, { shape }]) => [name, shape])), large!);
    this.small.load({ json: json!, tensors: small! });
    for (const [key, moment] of this.named()) moment.load(key, large!);
  }

  dispose(): void {
    this.small.dispose();
    this.large.clear();
  }

  /** Variables for one update, of what is kept in 8 bits. */
  private expandedOf(name: string, { shape }: Variable): Map<string, Variable> {
    const parts = [...(this.large.get(name) ?? [])].map(([part, moment]) => {
      const values = tf.tensor(moment.expand(), [...shape], 'float32');
      const variable = tf.variable(values, false);
      values.dispose();
      return [part, variable] as const;
    });
    return new Map(parts);
  }

  private named(): [string, EightBitMoment][] {
    return [...this.large].flatMap(([name, parts]) =>
      [...parts].map(([part, moment]): [string, EightBitMoment] => [`${name}/${part}`, moment]),
    );
  }

  private largeTensors(): Record<string, HostTensor> {
    return Object.assign({}, ...this.named().map(([key, moment]) => moment.tensors(key))) as Record<string, HostTensor>;
  }
}
