// SPDX-License-Identifier: Apache-2.0
import { tf, type Scalar, type Tensor, type Variable } from '@llmf/nn';
import type { Gradient } from '../contracts/hooks.js';
import type { Optimizer, OptimizerState } from '../contracts/optimizer.js';
import { OptimizerMemory, type MemoryShapes } from './optimizer-memory.js';

/** One parameter in one update. */
export interface ParameterUpdate<Options> {
  readonly parameter: Variable;
  /** Clipped, of the parameter's shape. */
  readonly gradient: Tensor;
  readonly learningRate: number;
  readonly weightDecay: number;
  /** Number of this update, from 1. */
  readonly update: number;
  readonly options: Options;
  /** What is remembered of this parameter, by the name its shape was declared under. */
  memory(part: string): Variable;
}

export interface PerParameter<Options> extends Pick<Optimizer, 'name' | 'description' | 'options' | 'bytesPerWeight'> {
  readonly memory: (options: Options) => MemoryShapes;
  /** Assigns parameter and memory; within a scope that frees what it makes. */
  step(update: ParameterUpdate<Options>): void;
}

/** An optimizer that updates each parameter by itself, in tensor operations. */
export const perParameter = <Options>(definition: PerParameter<Options>): Optimizer => {
  const { memory, step, ...facts } = definition;
  return {
    ...facts,
    create: (variables, options) =>
      new PerParameterState(new OptimizerMemory(variables, memory(options as Options)), options as Options, step),
  };
};

class PerParameterState<Options> implements OptimizerState {
  constructor(
    private readonly memory: OptimizerMemory,
    private readonly options: Options,
    private readonly step: PerParameter<Options>['step'],
  ) {}

  update(gradients: ReadonlyMap<string, Gradient>, learningRate: number, _step: number, scale?: Scalar): void {
    this.memory.updates += 1;
    for (const [name, gradient] of gradients) {
      const { step, options, memory } = this;
      runStep(step, gradient, {
        learningRate,
        scale,
        update: memory.updates,
        options,
        memory: (part) => memory.of(name, part),
      });
    }
  }

  save = () => this.memory.save();
  stream = () => this.memory.stream();
  load: OptimizerState['load'] = (value) => this.memory.load(value);
  dispose = () => this.memory.dispose();
}

interface StepFacts<Options> extends Pick<ParameterUpdate<Options>, 'learningRate' | 'update' | 'options' | 'memory'> {
  /** Gradients are multiplied by it first. */
  readonly scale: Scalar | undefined;
}

/** One parameter's step; what it makes is freed. */
export function runStep<Options>(
  step: PerParameter<Options>['step'],
  { variable, value, rate, weightDecay }: Gradient,
  { scale, learningRate, ...facts }: StepFacts<Options>,
): void {
  tf.tidy(() =>
    step({
      ...facts,
      parameter: variable,
      gradient: scale === undefined ? value : tf.mul(value, scale),
      learningRate: learningRate * rate,
      weightDecay,
    }),
  );
}
