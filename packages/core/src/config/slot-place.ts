// SPDX-License-Identifier: Apache-2.0
import type { Slot } from '../contracts/engine.js';
import { isPlain } from './mistakes.js';

type Raw = Readonly<Record<string, unknown>>;

/** Where a slot's value stands in the config: `train.optimizer` → train, optimizer. */
export const slotPath = ({ key }: Slot): string[] => key.split('.');

/** What is written there; undefined where nothing is. */
export const writtenAt = (raw: Raw, slot: Slot): unknown =>
  slotPath(slot).reduce<unknown>((value, key) => (isPlain(value) ? value[key] : undefined), raw);

/** The slots inside a section, by their key in it. */
export const slotsIn = (section: string, slots: readonly Slot[]): Map<string, Slot> =>
  new Map(
    slots.flatMap((slot) => {
      const [first, inner] = slotPath(slot);
      return first === section && inner !== undefined ? [[inner, slot] as const] : [];
    }),
  );

export const isTopLevel = (slot: Slot): boolean => slotPath(slot).length === 1;
