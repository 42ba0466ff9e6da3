// SPDX-License-Identifier: Apache-2.0
export { allowPackedExpansion, refusingExpansion } from './expansion.js';
export { frozenTensor } from './frozen-tensor.js';
export { nonFiniteWeight } from './non-finite-weight.js';
export { packedOf, type PackedData } from './packed.js';
