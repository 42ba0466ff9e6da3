// SPDX-License-Identifier: Apache-2.0
/** Where each row of a file begins and ends, in bytes: 12 bytes per row whatever the rows hold. */
export class ByteIndex {
  #starts = new Float64Array(1024);
  #sizes = new Uint32Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(start: number, end: number): void {
    if (this.#length === this.#starts.length) this.#grow();
    this.#starts[this.#length] = start;
    this.#sizes[this.#length] = end - start;
    this.#length++;
  }

  start(row: number): number {
    return this.#starts[row]!;
  }

  end(row: number): number {
    return this.#starts[row]! + this.#sizes[row]!;
  }

  /** The same ranges without the first (a header). */
  withoutFirst(): ByteIndex {
    const rest = new ByteIndex();
    for (let row = 1; row < this.#length; row++) rest.push(this.start(row), this.end(row));
    return rest;
  }

  #grow(): void {
    const starts = new Float64Array(this.#starts.length * 2);
    const sizes = new Uint32Array(starts.length);
    starts.set(this.#starts);
    sizes.set(this.#sizes);
    this.#starts = starts;
    this.#sizes = sizes;
  }
}
