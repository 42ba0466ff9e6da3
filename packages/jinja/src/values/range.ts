// SPDX-License-Identifier: Apache-2.0
import { spend } from '../runtime/budget.js';
import { asIndex } from './numbers.js';
import { PythonObject, type Value } from './value.js';

/** Python's `range`: numbers that are counted, not held. */
export class Range extends PythonObject {
  readonly typeName = 'range';
  readonly #length: number;

  constructor(
    readonly start: bigint,
    readonly stop: bigint,
    readonly step: bigint,
  ) {
    super();
    const span = step > 0n ? stop - start : start - stop;
    const width = step > 0n ? step : -step;
    this.#length = span <= 0n ? 0 : Number((span + width - 1n) / width);
  }

  at(index: number): bigint {
    return this.start + this.step * BigInt(index);
  }

  /** As part of it, from `start` in steps of `step`. */
  sliced(start: number, stop: number, step: number): Range {
    return new Range(this.at(start), this.at(stop), this.step * BigInt(step));
  }

  has(value: bigint): boolean {
    const isWithin =
      this.step > 0n ? value >= this.start && value < this.stop : value <= this.start && value > this.stop;
    return isWithin && (value - this.start) % this.step === 0n;
  }

  override equals(other: PythonObject): boolean {
    if (!(other instanceof Range) || this.#length !== other.#length) return false;
    if (this.#length === 0) return true;
    return this.start === other.start && (this.#length === 1 || this.step === other.step);
  }

  override attribute(name: string): Value | undefined {
    return name === 'start' || name === 'stop' || name === 'step' ? this[name] : undefined;
  }

  override item(key: Value): Value | undefined {
    const index = asIndex(key);
    if (index === null) return undefined;
    const at = index < 0 ? this.#length + index : index;
    return at >= 0 && at < this.#length ? this.at(at) : undefined;
  }

  override *iterate(): Iterator<Value> {
    for (let at = 0; at < this.#length; at++) {
      spend(1);
      yield this.at(at);
    }
  }

  override length(): number {
    return this.#length;
  }

  override repr(): string {
    return this.step === 1n ? `range(${this.start}, ${this.stop})` : `range(${this.start}, ${this.stop}, ${this.step})`;
  }
}
