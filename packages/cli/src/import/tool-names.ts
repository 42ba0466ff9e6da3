// SPDX-License-Identifier: Apache-2.0
/** Known to `--help` without loading what reads them. */
export const toolNames = ['llamafactory', 'trl', 'medicalgpt', 'trlx', 'axolotl'] as const;
