// SPDX-License-Identifier: Apache-2.0
/** AWQ folders (AutoAWQ, version gemm): eight outputs in a word, the even ones in its lower half before the odd ones. */
import type { WeightLayout } from '@llmf/nn';
import { integerGroups } from './integer-groups.js';
import { layoutErrors } from './layout-errors.js';

/** Output i of eight is in the place of i: 0, 2, 4, 6, 1, 3, 5, 7 lie one after the other. */
const order = [0, 4, 1, 5, 2, 6, 3, 7];

export const awqLayout: WeightLayout = {
  name: 'awq',
  description: 'AWQ folders of 4 bits',
  async open(folder) {
    const version = folder.settings['version'] ?? 'gemm';
    if (String(version).toLowerCase() !== 'gemm') {
      const facts = { key: 'version', got: JSON.stringify(version), expected: 'gemm' };
      throw layoutErrors.layoutSettings({ folder: folder.folder, ...facts });
    }
    return await integerGroups(folder, { packs: 'outputs', order, zeroOffset: 0 });
  },
};
