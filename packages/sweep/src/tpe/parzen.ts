// SPDX-License-Identifier: Apache-2.0
/**
 * The density that TPE puts over trials: a mixture with one product of kernels a trial and one of the prior, as Optuna 5
 * builds it (samplers/_tpe/parzen_estimator.py, probability_distributions.py): normal kernels cut at the range's ends, whose
 * deviation is the larger distance to a neighbour, within [range / min(100, kernels + 1), range]; for choices a count
 * with a share for the others. Steps count with their mass.
 */
import { snapped, type Choices, type Distribution, type FloatRange, type IntRange } from '../distribution.js';
import { inverseNormal, logMass, normalBelow } from './normal.js';

/** Uniform numbers in [0, 1) by purpose. */
export type Uniforms = (site: string, count: number) => readonly number[];

interface Kernels {
  /** A value in internal form. @param kernel which one @param uniform in [0, 1) */
  draw(kernel: number, uniform: number): number;
  logDensity(kernel: number, value: number): number;
}

export class Parzen {
  /** Of the kernels; the last is the prior's. */
  readonly weights: readonly number[];
  private readonly kernels: readonly Kernels[];

  /** @param observed values in internal form, by trial and parameter */
  constructor(
    private readonly space: readonly (readonly [name: string, distribution: Distribution])[],
    observed: readonly (readonly number[])[],
  ) {
    const given = [...weightsOf(observed.length), 1];
    const total = given.reduce((sum, weight) => sum + weight, 0);
    this.weights = given.map((weight) => weight / total);
    this.kernels = space.map(([, distribution], at) => {
      const values = observed.map((row) => row[at]!);
      return distribution.kind === 'choice' ? choiceKernels(distribution, values) : normalKernels(distribution, values);
    });
  }

  /** Values by draw and parameter. */
  sample(count: number, uniforms: Uniforms): number[][] {
    const chosen = uniforms('kernel', count).map((uniform) => this.kernelAt(uniform));
    const columns = this.kernels.map((kernels, at) => {
      const draws = uniforms(this.space[at]![0], count);
      return chosen.map((kernel, draw) => kernels.draw(kernel, draws[draw]!));
    });
    return chosen.map((_, draw) => columns.map((column) => column[draw]!));
  }

  logDensity(values: readonly number[]): number {
    const logs = this.weights.map((weight, kernel) =>
      this.kernels.reduce((sum, each, at) => sum + each.logDensity(kernel, values[at]!), Math.log(weight)),
    );
    const most = Math.max(...logs);
    if (most === -Infinity) return most;
    return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0));
  }

  private kernelAt(uniform: number): number {
    let sum = 0;
    const at = this.weights.findIndex((weight) => (sum += weight) > uniform);
    return at < 0 ? this.weights.length - 1 : at;
  }
}

/** Older trials count less once there are more than 25 (default_weights). */
export function weightsOf(count: number): number[] {
  const ramp = Math.max(0, count - 25);
  const step = ramp < 2 ? 0 : (1 - 1 / count) / (ramp - 1);
  return Array.from({ length: count }, (_, at) => (at < ramp ? 1 / count + at * step : 1));
}

function choiceKernels({ choices }: Choices, observed: readonly number[]): Kernels {
  const count = observed.length + 1;
  const shares = [...observed, null].map((value) => {
    const row = choices.map((_, choice) => 1 / count + (choice === value ? 1 : 0));
    const total = row.reduce((sum, share) => sum + share, 0);
    return row.map((share) => share / total);
  });
  return {
    draw(kernel, uniform) {
      let sum = 0;
      const at = shares[kernel]!.findIndex((share) => (sum += share) > uniform);
      return at < 0 ? choices.length - 1 : at;
    },
    logDensity: (kernel, value) => Math.log(shares[kernel]![value]!),
  };
}

function normalKernels(distribution: FloatRange | IntRange, observed: readonly number[]): Kernels {
  const { low, high, log, step } = distribution;
  const half = (step ?? 0) / 2;
  const form = (value: number) => (log ? Math.log(value) : value);
  const [from, to] = [form(low - half), form(high + half)];
  const means = [...observed.map(form), (from + to) / 2];
  const deviations = [...deviationsOf(observed.map(form), from, to), to - from];
  const masses = means.map((mean, at) => logMass((from - mean) / deviations[at]!, (to - mean) / deviations[at]!));
  return {
    draw(kernel, uniform) {
      const [mean, deviation] = [means[kernel]!, deviations[kernel]!];
      const [below, above] = [normalBelow((from - mean) / deviation), normalBelow((to - mean) / deviation)];
      const place = Math.min(Math.max(below + uniform * (above - below), 2 ** -54), 1 - 2 ** -53);
      const value = Math.min(Math.max(mean + deviation * inverseNormal(place), from), to);
      return snapped(distribution, log ? Math.exp(value) : value);
    },
    logDensity(kernel, value) {
      const [mean, deviation] = [means[kernel]!, deviations[kernel]!];
      if (step !== null) {
        const [a, b] = [form(value - half), form(value + half)];
        return logMass((a - mean) / deviation, (b - mean) / deviation) - masses[kernel]!;
      }
      const z = (form(value) - mean) / deviation;
      return -(z * z) / 2 - Math.log(Math.sqrt(2 * Math.PI) * deviation) - masses[kernel]!;
    },
  };
}

/** The larger distance to a neighbour; at the ends of two or more the one neighbour's, else the range's end. */
function deviationsOf(means: readonly number[], from: number, to: number): number[] {
  const order = means.map((_, at) => at).toSorted((one, other) => means[one]! - means[other]!);
  const sorted = [from, ...order.map((at) => means[at]!), to];
  const least = (to - from) / Math.min(100, means.length + 2);
  const deviations = means.map(() => 0);
  for (const [place, at] of order.entries()) {
    const [before, own, after] = [sorted[place]!, sorted[place + 1]!, sorted[place + 2]!];
    let widest = Math.max(own - before, after - own);
    if (means.length >= 2 && place === 0) widest = after - own;
    if (means.length >= 2 && place === means.length - 1) widest = own - before;
    deviations[at] = Math.min(Math.max(widest, least), to - from);
  }
  return deviations;
}
