// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { strftime } from './strftime.js';

// The parts as C's strftime writes them in the C locale.
it('writes the parts of a date', () => {
  const date = new Date(Date.UTC(2031, 0, 5, 6, 7, 8));
  expect(strftime(date, '%Y-%m-%d %B %y %H:%M:%S %q')).toBe('2031-01-05 January 31 06:07:08 %q');
  expect(strftime(date, '%a %A %b %e|%-d|%I %p %j %u %w %U %W %F %%')).toBe(
    'Sun Sunday Jan  5|5|06 AM 005 7 0 01 00 2031-01-05 %',
  );
});
