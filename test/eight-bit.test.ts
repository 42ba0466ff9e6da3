// SPDX-License-Identifier: Apache-2.0
import { describeEightBit } from './support/eight-bit-claims.js';

// Three seeds and 200 steps: slow/eight-bit.slow.ts
describeEightBit([1], 40);
