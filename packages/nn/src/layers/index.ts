// SPDX-License-Identifier: Apache-2.0
export { adapterFor, adapterOf, changesLayer } from './adapter-of.js';
export { EmbeddingOfTokens, LowRankEmbedding } from './changed-embeddings.js';
export { Embedding } from './embedding.js';
export { Linear } from './linear.js';
export { LayerNorm, RmsNorm } from './norms.js';
