// SPDX-License-Identifier: Apache-2.0
import type { Logger } from '@llmf/core';
import type { CliIo } from './io.js';

/** Milliseconds between two drawings of the live line. */
const redrawMs = 100;

/** Lines of text above one live line, which exists on a terminal only. */
export class Display implements Logger {
  private live = '';
  private isDrawn = false;
  private drawnAt = -Infinity;

  constructor(private readonly io: CliIo) {}

  get isLive(): boolean {
    return this.io.out.isTerminal;
  }

  info(message: string): void {
    this.above(() => this.io.out.write(`${message}\n`));
  }

  warn(message: string): void {
    this.above(() => this.io.err.write(`warning: ${message}\n`));
  }

  /** Replaces the live line; drawn at most every tenth of a second. */
  setLive(text: string): void {
    this.live = text;
    const now = performance.now();
    if (this.isLive && now - this.drawnAt >= redrawMs) this.draw(now);
  }

  /** Clears the live line for good. */
  close(): void {
    this.erase();
    this.live = '';
  }

  private above(write: () => void): void {
    this.erase();
    write();
    if (this.live !== '' && this.isLive) this.draw(performance.now());
  }

  private draw(now: number): void {
    this.erase();
    const fitting = [...this.live].slice(0, Math.max(1, this.io.out.columns - 1)).join('');
    this.io.out.write(fitting);
    this.isDrawn = true;
    this.drawnAt = now;
  }

  private erase(): void {
    if (this.isDrawn) this.io.out.write('\r\x1b[2K');
    this.isDrawn = false;
  }
}
