// SPDX-License-Identifier: Apache-2.0
export { llama, llamaConfig } from './llama.js';
