// SPDX-License-Identifier: Apache-2.0
import { formatBytes } from '@llmf/core';
import type { HubSettings } from './hub-settings.js';

/** Milliseconds between two drawings of the live line, and between two lines where nothing can be drawn over. */
const redrawMs = 200;
const lineMs = 10_000;

/** How far a download is, on standard error: a live line on a terminal, else a line now and then. */
export class Progress {
  private done = 0;
  private shownAt = performance.now();
  private readonly startedAt = performance.now();

  constructor(
    private readonly hub: Pick<HubSettings, 'write' | 'isLive'>,
    private readonly title: string,
    private readonly total: number,
  ) {}

  /** Bytes that arrived, or were there. */
  add(bytes: number): void {
    this.done += bytes;
    const now = performance.now();
    if (now - this.shownAt < (this.hub.isLive ? redrawMs : lineMs)) return;
    this.shownAt = now;
    this.hub.write(this.hub.isLive ? `\r\x1b[2K${this.text(now)}` : `${this.text(now)}\n`);
  }

  say(line: string): void {
    this.hub.write(`${this.hub.isLive ? '\r\x1b[2K' : ''}${line}\n`);
  }

  close(): void {
    if (this.hub.isLive) this.hub.write('\r\x1b[2K');
  }

  private text(now: number): string {
    const rate = formatBytes((this.done / Math.max(1, now - this.startedAt)) * 1000);
    return `${this.title}: ${formatBytes(this.done)} of ${formatBytes(this.total)}, ${rate}/s`;
  }
}
