// SPDX-License-Identifier: Apache-2.0
import { describeLiveTensors } from './support/live-tensor-claims.js';

// 10,000 steps: slow/live-tensors.slow.ts
describeLiveTensors({ full: 40, lora: 40 });
