// SPDX-License-Identifier: Apache-2.0
export { chosenFormats, formatScope, isMatrix } from './chosen-formats.js';
export { expandDynamic, packDynamic } from './dynamic-blocks.js';
export { signedCodes, unsignedCodes } from './dynamic-codes.js';
export { bf16, elementFormats, elementsOf, f16, f32, formatOfDtype, type ElementFormat } from './element-formats.js';
export { allowPackedExpansion, expandedRows, refusingExpansion } from './expansion.js';
export { expansionLines } from './expansion-lines.js';
export { frozenTensor, frozenWeight, packedBytes, weightBytes } from './frozen-tensor.js';
export { nonFiniteWeight } from './non-finite-weight.js';
export { packWeight } from './pack-weight.js';
export { isReadNatively, packedOf } from './packed.js';
export { transposed } from './transposed.js';
export { outlineOf, outlineTensor, type WeightOutline } from './outline.js';
