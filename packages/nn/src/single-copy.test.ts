// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { claimSingleCopy } from './single-copy.js';
import './tf.js';

describe('a second copy of nn in one process', () => {
  it('does not start, and both are named', () => {
    expect(() => claimSingleCopy('0.2.0', 'file:///elsewhere/nn/dist/tf.js')).toThrow(
      /^LLMF_NN_TWO_COPIES: .*\n {2}got: 0\.1\.0 \(file:.*tf\.ts\); 0\.2\.0 \(file:\/\/\/elsewhere\/nn\/dist\/tf\.js\)/,
    );
  });
});
