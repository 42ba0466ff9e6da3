// SPDX-License-Identifier: Apache-2.0
import { normals } from '@llmf/core';
import type { Tensor } from '@llmf/nn';

/** A float32 tensor on the host. */
export interface HostValue {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export type Tensors = Readonly<Record<string, Tensor>>;

/** One op on one set of inputs, beside the same maths in ordinary tfjs operations. */
export interface OpCase {
  readonly name: string;
  /** Kernels it reaches, forwards and backwards. */
  readonly kernels: readonly string[];
  readonly inputs: Readonly<Record<string, HostValue>>;
  /** Inputs held constant: their gradients are not asked for. */
  readonly frozen?: readonly string[];
  /** The op, as users call it. */
  run(inputs: Tensors): Tensor[];
  /** The same values from tfjs's own operations, whose gradients come from tfjs's autograd. */
  naive(inputs: Tensors): Tensor[];
  /** Too rough for finite differences (large, or steep): the naive gradient is the only judge. */
  readonly skipFiniteDifferences?: string;
}

/** Reproducible values: normal, times `scale`, plus `shift`. */
export function host(site: string, shape: readonly number[], scale = 1, shift = 0): HostValue {
  const size = shape.reduce((product, length) => product * length, 1);
  const key = { seed: 20, stream: 'op-cases', step: 0, microbatch: 0 };
  return { shape, data: normals(key, site, size).map((value) => value * scale + shift) };
}

/** The same values at every place. */
export function filled(shape: readonly number[], value: number): HostValue {
  const size = shape.reduce((product, length) => product * length, 1);
  return { shape, data: new Float32Array(size).fill(value) };
}
