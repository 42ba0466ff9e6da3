// SPDX-License-Identifier: Apache-2.0
/**
 * 4-bit codes with a scale and a zero for each group of a row: weight = (code − zero) · scale. What GPTQ (Frantar et al.,
 * 2023) and AWQ (Lin et al., 2024) folders hold; columns belong to groups in order, or as GPTQ's g_idx says. Of two codes in
 * a byte the first is in its upper half, row after row.
 */
import type { WeightFormat } from '@llmf/nn';
import { layoutErrors } from './layouts/layout-errors.js';

export const int4: WeightFormat = {
  name: 'int4',
  description: '4.3 bits a weight: groups with scale and zero, of GPTQ and AWQ folders',
  refuses: () => 'llmf reads it from GPTQ and AWQ folders and does not make it',
  pack: () => {
    throw layoutErrors.readOnly({ format: 'int4' });
  },
  expand({ parts, shape }, from, to, into) {
    const columns = shape[1]!;
    const { codes, scales, zeros, groups } = parts;
    const perRow = scales!.length / shape[0]!;
    for (let row = from; row < to; row++) {
      for (let column = 0; column < columns; column++) {
        const at = row * columns + column;
        const byte = codes![at >> 1]!;
        const group = row * perRow + groups![column]!;
        into[at - from * columns] = ((at % 2 === 0 ? byte >> 4 : byte & 15) - zeros![group]!) * scales![group]!;
      }
    }
  },
  bytes: ([rows, columns]) => (rows! * columns!) / 2 + 5 * rows! * Math.ceil(columns! / 128) + 4 * columns!,
};
