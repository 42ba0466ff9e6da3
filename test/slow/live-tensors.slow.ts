// SPDX-License-Identifier: Apache-2.0
import { describeLiveTensors } from '../support/live-tensor-claims.js';

describeLiveTensors(10_000);
