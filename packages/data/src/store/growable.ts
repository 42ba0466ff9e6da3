// SPDX-License-Identifier: Apache-2.0
/** A list of 32-bit numbers at 4 bytes each, for columns as long as a data set. */
export class GrowableUint32 {
  #values = new Uint32Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Uint32Array(2 * this.#length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  /** The numbers so far; shares memory, to be read at once. */
  view(): Uint32Array {
    return this.#values.subarray(0, this.#length);
  }
}
