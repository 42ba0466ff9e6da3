// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';
import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { testIo } from '../test/support/test-io.js';
import { reportError } from './report-error.js';

function report(error: unknown, debug = false) {
  const io = testIo();
  const status = reportError(error, io, { debug, command: 'llmf train' });
  return { status, text: io.text.err, out: io.text.out };
}

const mine = defineErrors('test', { bad: () => ({ what: 'bad' }) });
const fault = defineErrors('test', { broken: () => ({ what: 'broken' }) }, 2);
const system = (code: string) => Object.assign(new Error(`${code}: x`), { code, syscall: 'write', path: '/data/x' });

describe('reportError', () => {
  it('prints a coded error of the user as it is, status 1', () => {
    expect(report(mine.bad({} as never))).toEqual({ status: 1, text: 'LLMF_TEST_BAD: bad\n', out: '' });
  });

  it('says that a fault is ours, status 2', () => {
    const { status, text } = report(fault.broken({} as never));
    expect(status).toBe(2);
    expect(text).toMatch(/^LLMF_TEST_BROKEN: broken\n {2}This is our fault/);
  });

  it.each([
    [
      new TypeError('x.y is not a function'),
      'LLMF_CLI_UNEXPECTED: llmf itself failed: TypeError: x.y is not a function',
    ],
    ['a text', 'LLMF_CLI_UNEXPECTED: llmf itself failed: a text'],
    [undefined, 'LLMF_CLI_UNEXPECTED: llmf itself failed: undefined'],
    [null, 'LLMF_CLI_UNEXPECTED: llmf itself failed: null'],
  ])('takes anything else for our fault: %s', (error, text) => {
    expect(report(error)).toMatchObject({ status: 2, text: expect.stringContaining(text) as string });
  });

  it.each([
    ['ENOSPC', 'make room on the disk'],
    ['EACCES', 'change the permissions'],
    ['EROFS', 'a disk that can be written'],
    ['EXYZ', 'check the path'],
  ])('takes what the system refuses (%s) for something to mend, and names the path', (code, hint) => {
    const { status, text } = report(system(code));
    expect(status).toBe(1);
    expect(text).toContain('LLMF_CLI_SYSTEM');
    expect(text).toContain('at: /data/x');
    expect(text).toContain(hint);
  });

  it('takes a failed allocation for too little memory', () => {
    const { status, text } = report(new RangeError('Array buffer allocation failed'));
    expect(status).toBe(1);
    expect(text).toContain('LLMF_CLI_OUT_OF_MEMORY');
    expect(text).toContain('gradientCheckpointing');
  });

  it('gives commander’s complaints a code and keeps its suggestion', () => {
    const { status, text } = report(
      new CommanderError(1, 'commander.unknownOption', "error: unknown option '--plugn'\n(Did you mean --plugin?)"),
    );
    expect(status).toBe(1);
    expect(text).toBe(
      "LLMF_CLI_USAGE: unknown option '--plugn'\n  expected: perhaps --plugin\n  to do: see `llmf train --help`\n",
    );
  });

  it('adds stack and cause with --debug only', () => {
    const error = new Error('outer', { cause: new Error('inner') });
    expect(report(error).text).not.toContain('report-error.test');
    expect(report(error, true).text).toMatch(/Error: outer\n\s+at [^]*caused by: Error: inner\n\s+at /);
  });
});
