// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { jsonOutline } from './json-keys.js';

it('gives the outer keys, repeated ones too, and the depth', () => {
  const text = '{"a": {"x": [1, {"y": 2}]}, "b\\"{": "c:\\\\", "a": [], "\\u0041": "}"}';
  expect(jsonOutline(text)).toEqual({ keys: ['a', 'b"{', 'a', 'A'], depth: 4 });
});

it('reads a text of 20 MB', () => {
  expect(jsonOutline(`{"a":"${'m\\\\'.repeat(7e6)}","b":1}`).keys).toEqual(['a', 'b']);
});
