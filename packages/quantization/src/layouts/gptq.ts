// SPDX-License-Identifier: Apache-2.0
/**
 * GPTQ folders (AutoGPTQ, GPTQModel): eight inputs in a word from the lowest bits on; zeros less one in the first
 * checkpoint_format, as they are in `gptq_v2`; g_idx gives the group of each input where columns were reordered (desc_act).
 */
import type { WeightLayout } from '@llmf/nn';
import { integerGroups } from './integer-groups.js';
import { layoutErrors } from './layout-errors.js';

const inOrder = [0, 1, 2, 3, 4, 5, 6, 7];
const zeroOffsets: Readonly<Record<string, number>> = { gptq: 1, gptq_v2: 0 };

export const gptqLayout: WeightLayout = {
  name: 'gptq',
  description: 'GPTQ folders of 4 bits',
  async open(folder) {
    const stated = folder.settings['checkpoint_format'] ?? 'gptq';
    const zeroOffset = zeroOffsets[String(stated)];
    if (zeroOffset === undefined) {
      const facts = { key: 'checkpoint_format', got: JSON.stringify(stated), expected: 'gptq or gptq_v2' };
      throw layoutErrors.layoutSettings({ folder: folder.folder, ...facts });
    }
    return await integerGroups(folder, { packs: 'inputs', order: inOrder, zeroOffset });
  },
};
