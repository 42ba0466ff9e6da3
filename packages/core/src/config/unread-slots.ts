// SPDX-License-Identifier: Apache-2.0
import type { Engine, Slot } from '../contracts/engine.js';
import { StageToken } from '../contracts/stage.js';
import { coreErrors } from '../core-errors.js';
import type { Mistakes } from './mistakes.js';
import type { Choice } from './run-config.js';
import { slotPath, writtenAt } from './slot-place.js';

/** Notes what the config writes for slots that only some stages read, and the chosen one does not. */
export function noteUnread(
  engine: Engine,
  raw: Readonly<Record<string, unknown>>,
  choices: Readonly<Record<string, readonly Choice[]>>,
  mistakes: Mistakes,
): void {
  const name = choices['stage']?.[0]?.name;
  const stages = engine.container.resolveAll(StageToken);
  const stage = stages.find((each) => each.name === name);
  if (stage === undefined) return;
  for (const slot of engine.slots.filter(({ readOnRequest }) => readOnRequest === true)) {
    if (stage.reads?.includes(slot.key) === true || writtenAt(raw, slot) === undefined) continue;
    const named = namesIn(slot, choices[slot.key] ?? []);
    if (named.length === 0) continue;
    const readers = stages.filter(({ reads }) => reads?.includes(slot.key) === true).map((each) => each.name);
    const where = mistakes.where(slotPath(slot));
    mistakes.add(coreErrors.choiceUnread({ key: slot.key, where, names: named, stage: stage.name, readers }));
  }
}

const namesIn = ({ none }: Slot, choices: readonly Choice[]): string[] =>
  choices.map(({ name }) => name).filter((name) => none?.includes(name) !== true);
