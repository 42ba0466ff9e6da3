// SPDX-License-Identifier: Apache-2.0
import { describeEightBit, describeEightBitState } from '../support/eight-bit-claims.js';

describeEightBit([1, 2, 3], 200);
describeEightBitState();
