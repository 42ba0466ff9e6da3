// SPDX-License-Identifier: Apache-2.0
import { allocateJoined } from './budget.js';

/** Pieces that are held before they are joined: text grown piece by piece takes memory for each of them. */
const mostPieces = 1024;

/** Text as it is written, of the template itself or of a part that is captured. */
export class Output {
  #joined = '';
  #pieces: string[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get text(): string {
    this.#joined += this.#pieces.join('');
    this.#pieces = [];
    return this.#joined;
  }

  write(text: string): void {
    if (text === '') return;
    allocateJoined(this.#length, text.length);
    this.#length += text.length;
    if (this.#pieces.push(text) === mostPieces) void this.text;
  }
}
