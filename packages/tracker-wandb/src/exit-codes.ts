// SPDX-License-Identifier: Apache-2.0
import type { TrackedOutcome } from '@llmf/core';

/** W&B shows 0 as finished, 255 as killed, anything else as crashed. */
export const exitCodes: Record<TrackedOutcome, number> = { finished: 0, interrupted: 255, failed: 1 };
