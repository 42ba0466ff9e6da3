// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import hostile from '../fixtures/hostile.json' with { type: 'json' };
import { TemplateError } from './template-error.js';
import { Template } from './template.js';

/** What only the inside of an interpreter holds. */
const inside = /native code|<class|0x|function Object|\[object/;

/** The first of the seeded ones of oracles/jinja/hostile.py, which runs a thousand and watches time and memory. */
describe('templates that want out, or more than their share', () => {
  it('are some', () => expect(hostile).toHaveLength(60));

  it.each(hostile.map((template, at) => [`${at}: ${template.slice(0, 80)}`, template]))('%s', (_, template) => {
    let text = '';
    try {
      text = new Template(template).render({ messages: [{ role: 'user', content: 'q' }] }).text;
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
    }
    expect(text).not.toMatch(inside);
  });
});
