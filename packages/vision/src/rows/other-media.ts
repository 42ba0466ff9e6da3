// SPDX-License-Identifier: Apache-2.0
import { uniforms } from '@llmf/core';
import type { MediaPlan } from './media-plan.js';

/** For every row another one that shows as many media of the same kinds, but not the same ones. */
export class OtherMedia {
  readonly #numbers = new Map<string, number>();
  readonly #kinds: number[] = [];
  readonly #contents: number[] = [];

  /** Rows are added in their order. */
  add(media: readonly MediaPlan[]): void {
    this.#kinds.push(this.#numberOf(media.map(({ kind }) => kind).join(' ')));
    this.#contents.push(this.#numberOf(media.map(({ identity }) => identity).join('\n')));
  }

  /** The first such row from a random one on, always the same; null where there is none. */
  of(row: number): number | null {
    const count = this.#kinds.length;
    const key = { seed: 0, stream: 'other-media', step: row, microbatch: 0 };
    const first = Math.floor(uniforms(key, 'row', 1)[0]! * count);
    for (let offset = 0; offset < count; offset++) {
      const other = (first + offset) % count;
      const isOther = this.#contents[other] !== this.#contents[row];
      if (isOther && this.#kinds[other] === this.#kinds[row]) return other;
    }
    return null;
  }

  #numberOf(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.#numbers.size);
    return this.#numbers.size - 1;
  }
}
