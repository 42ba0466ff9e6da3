// SPDX-License-Identifier: Apache-2.0
import type { Tokenizer } from '@llmf/data';

/**
 * Writes text as its tokens come, up to the first of the stop strings. A token may be a part of a character, and its text
 * may depend on its neighbours: what is not yet whole waits, and so does what may be the beginning of a stop string.
 */
export class TextStream {
  private ids: number[] = [];
  private written = '';

  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly write: (text: string) => void,
    private readonly stops: readonly string[] = [],
  ) {}

  push(id: number): void {
    this.ids.push(id);
    const text = withoutBeginning(this.text(), this.stops);
    if (text.endsWith('\ufffd') || !text.startsWith(this.written)) return;
    this.write(text.slice(this.written.length));
    this.written = text;
  }

  /** Writes what waits. */
  end(): void {
    const text = this.text();
    this.write(text.startsWith(this.written) ? text.slice(this.written.length) : '');
    this.written = text;
  }

  /** Everything so far, up to a stop string. */
  text(): string {
    return upToStop(this.tokenizer.decode(this.ids, { skipSpecialTokens: true }), this.stops);
  }
}

/** The text before the first stop string in it. */
export function upToStop(text: string, stops: readonly string[]): string {
  const places = stops.map((stop) => text.indexOf(stop)).filter((place) => place >= 0);
  return places.length === 0 ? text : text.slice(0, Math.min(...places));
}

/** The text without an end that may become a stop string. */
function withoutBeginning(text: string, stops: readonly string[]): string {
  const lengths = stops.map((stop) => {
    let length = Math.min(stop.length - 1, text.length);
    while (length > 0 && !text.endsWith(stop.slice(0, length))) length--;
    return length;
  });
  return text.slice(0, text.length - Math.max(0, ...lengths));
}
