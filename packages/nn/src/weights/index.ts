// SPDX-License-Identifier: Apache-2.0
export { chosenFormats, formatScope, isMatrix } from './chosen-formats.js';
export { signedCodes, unsignedCodes, type DynamicCodes } from './dynamic-codes.js';
export { bf16, elementFormats, elementsOf, f16, f32, formatOfDtype, type ElementFormat } from './element-formats.js';
export { allowPackedExpansion, expandedRows, refusingExpansion } from './expansion.js';
export { expansionLines } from './expansion-lines.js';
export { frozenTensor, frozenWeight, packedBytes } from './frozen-tensor.js';
export { nonFiniteWeight } from './non-finite-weight.js';
export { isReadNatively, packedOf } from './packed.js';
export { transposed } from './transposed.js';
