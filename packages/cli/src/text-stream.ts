// SPDX-License-Identifier: Apache-2.0
import type { Tokenizer } from '@llmf/data';

/**
 * Writes text as its tokens come. A token may be a part of a character, and its text may depend on its neighbours: what
 * is not yet whole waits.
 */
export class TextStream {
  private ids: number[] = [];
  private written = '';

  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly write: (text: string) => void,
  ) {}

  push(id: number): void {
    this.ids.push(id);
    const text = this.text();
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

  /** Everything so far. */
  text(): string {
    return this.tokenizer.decode(this.ids, { skipSpecialTokens: true });
  }
}
