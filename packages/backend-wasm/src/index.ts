// SPDX-License-Identifier: Apache-2.0
import { apiVersion, BackendToken, type Plugin } from '@llmf/core';
import { wasmBackend } from './wasm-backend.js';

export { wasmBackend };

/** Plugin that brings backend `wasm`. */
export default function backendWasm(): Plugin {
  return {
    name: 'backend-wasm',
    apiVersion,
    description: wasmBackend.description!,
    apply: (engine) => engine.provide(BackendToken, wasmBackend),
  };
}
