// SPDX-License-Identifier: Apache-2.0
import { packedBytes, packedOf, type Tensor } from '@llmf/nn';

/** How many numbers: `1,234`. */
export const countText = (weights: readonly Tensor[]): string =>
  weights.reduce((sum, { size }) => sum + size, 0).toLocaleString('en');

/** What they take as they are kept: `12.3 MB`. */
export function memoryText(weights: readonly Tensor[]): string {
  const bytes = weights.reduce((sum, weight) => {
    const packed = packedOf(weight);
    return sum + (packed === null ? 4 * weight.size : packedBytes(packed));
  }, 0);
  return `${(bytes / 1e6).toLocaleString('en', { maximumFractionDigits: 1 })} MB`;
}
