// SPDX-License-Identifier: Apache-2.0
import { describeLiveTensors } from '../support/live-tensor-claims.js';

describeLiveTensors({ full: 10_000, lora: 2_000 });
