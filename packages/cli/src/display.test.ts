// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { Display } from './display.js';
import { testIo } from '../test/support/test-io.js';

/** What a terminal shows after `\r` and "erase line": the finished lines and the current one. */
function shown(text: string): string[] {
  return text.split('\n').map((line) => line.split('\r\x1b[2K').at(-1)!);
}

describe('the display on a terminal', () => {
  it('keeps lines above the live one and clears it at the end', () => {
    const io = testIo({ isTerminal: true });
    const display = new Display(io);
    display.setLive('step 1');
    display.info('model loaded');
    expect(shown(io.text.out)).toEqual(['model loaded', 'step 1']);
    display.close();
    expect(shown(io.text.out)).toEqual(['model loaded', '']);
    display.info('done');
    expect(shown(io.text.out)).toEqual(['model loaded', 'done', '']);
  });

  it('does not redraw more often than an eye can follow', () => {
    const io = testIo({ isTerminal: true });
    const display = new Display(io);
    for (let step = 1; step <= 1000; step++) display.setLive(`step ${step}`);
    expect(io.text.out.split('step').length - 1).toBeLessThan(10);
  });

  it('cuts the live line where the terminal would break it', () => {
    const io = testIo({ isTerminal: true, columns: 10 });
    new Display(io).setLive('0123456789abc');
    expect(io.text.out).toBe('012345678');
  });
});

describe('the display elsewhere', () => {
  it('writes plain lines and no live one', () => {
    const io = testIo();
    const display = new Display(io);
    display.setLive('step 1');
    display.info('hello');
    display.warn('careful');
    display.close();
    expect(io.text).toEqual({ out: 'hello\n', err: 'warning: careful\n' });
  });
});
