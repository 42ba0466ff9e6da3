// SPDX-License-Identifier: Apache-2.0
// tsyringe, inside the container, refuses to load before this polyfill.
import 'reflect-metadata';

// For plugins of one file; a published one may bring its own zod 4.
export { z } from 'zod';

export * from './contracts/index.js';
export * from './errors.js';
export * from './core-errors.js';
export { placeError } from './config/place-error.js';
export * from './config/run-config.js';
export { wholeSource, displayPath, type ConfigInput, type ConfigSource } from './config/config-source.js';
export { configNames, configsIn, findConfig, readConfig } from './config/read-config.js';
export { applyOverrides, isOverride } from './config/overrides.js';
export { isPlain, Mistakes } from './config/mistakes.js';
export { resolveConfig, type ResolveOptions } from './config/resolve-config.js';
export { schemaOf } from './config/schema-of.js';
export { describeOptions, type OptionRow } from './config/describe-options.js';
export type { JsonSchema } from './config/option-schema.js';
export { createContainer } from './container/container.js';
export { coreKeys, createEngine, EngineImplementation } from './engine/engine.js';
export { registerCopy } from './engine/copies.js';
export { findNamed } from './engine/find-named.js';
export { guardHooks } from './engine/guard-hooks.js';
export { sectionOf } from './engine/plugin-shape.js';
export { findPlugin, loadPlugin, type PluginFile } from './plugins/resolve-plugin.js';
export { installedPlugins, type InstalledPlugin } from './plugins/installed-plugins.js';
export { installedVersion, resolvePackage } from './plugins/package-entry.js';
export { installCommand } from './plugins/install-command.js';
export * from './files/atomic-write.js';
export * from './files/file-errors.js';
export * from './files/float-bytes.js';
export { Damage } from './files/file-sum.js';
export { makeFolder } from './files/make-folder.js';
export { entriesIfThere, ifThere, isRefused, isThere, isThereSync } from './files/if-there.js';
export { readInto, writeAll } from './files/transfer.js';
export { readIfThere } from './files/read-if-there.js';
export { readBytes, readText, readTextSync } from './files/read-whole.js';
export { checkModelFolder } from './files/model-folder.js';
export * from './files/process-lock.js';
export * as protobuf from './files/protobuf.js';
export * from './files/safetensors.js';
export { readSummed, writeSummed } from './files/summed-safetensors.js';
export { removeLeftovers, removeLeftoversOnce, temporaryFolder, temporaryName } from './files/temporary-name.js';
export * from './random/counter.js';
export * from './run/index.js';
export { repeatsRepetition } from './text/expression-time.js';
export * from './text/nearest.js';
export * from './text/format.js';
export { withoutSecrets } from './text/without-secrets.js';
