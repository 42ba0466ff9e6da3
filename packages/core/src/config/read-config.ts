// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { coreErrors } from '../core-errors.js';
import { isThereSync } from '../files/if-there.js';
import { readText } from '../files/read-whole.js';
import { displayPath, wholeSource, type ConfigInput } from './config-source.js';
import { parseJson, parseYaml, type ParsedConfig } from './parse-config.js';

export const configNames = ['llmf.yaml', 'llmf.yml', 'llmf.json', 'llmf.mjs'] as const;

/**
 * Reads the config that was named (a file, or a folder that holds one), else the one in the folder.
 * @throws LLMF_CORE_CONFIG_MISSING, …_AMBIGUOUS, …_UNREADABLE, …_KIND, …_SYNTAX, …_SHAPE
 */
export async function readConfig(folder: string, named?: string): Promise<ConfigInput> {
  const file = await configFile(folder, named);
  const { data, source } = await parsers[kindOf(file)]!(file);
  if (data !== null && (typeof data !== 'object' || Array.isArray(data))) {
    const got = Array.isArray(data) ? 'a list' : `${typeof data} ${JSON.stringify(data)}`;
    throw coreErrors.configShape({ where: displayPath(file), got });
  }
  return { raw: { ...(data as object | null) }, source, folder: dirname(file), file };
}

/** Names of the configs that a folder holds. */
export const configsIn = (folder: string): string[] => configNames.filter((name) => isThereSync(join(folder, name)));

/** The config a folder holds, or null. @throws LLMF_CORE_CONFIG_AMBIGUOUS when there are several. */
export function findConfig(folder: string): string | null {
  const found = configsIn(folder);
  if (found.length > 1) throw coreErrors.configAmbiguous({ folder: displayPath(folder), found });
  return found[0] === undefined ? null : join(folder, found[0]);
}

async function configFile(folder: string, named: string | undefined): Promise<string> {
  const target = resolve(folder, named ?? '.');
  const isFolder = await stat(target).then(
    (info) => info.isDirectory(),
    (error: Error) => {
      throw coreErrors.configUnreadable({ file: displayPath(target), reason: error.message }, { cause: error });
    },
  );
  if (!isFolder) return target;
  const found = findConfig(target);
  if (found === null) throw coreErrors.configMissing({ folder: displayPath(target), names: configNames });
  return found;
}

const parsers: Readonly<Record<string, (file: string) => Promise<ParsedConfig>>> = {
  yaml: async (file) => parseYaml(await configText(file), displayPath(file)),
  json: async (file) => parseJson(await configText(file), displayPath(file)),
  mjs: importModule,
};

function kindOf(file: string): string {
  const kind = extname(file).slice(1).replace('yml', 'yaml');
  if (!(kind in parsers)) throw coreErrors.configKind({ file: displayPath(file) });
  return kind;
}

async function configText(file: string): Promise<string> {
  try {
    return await readText(file);
  } catch (error) {
    throw coreErrors.configUnreadable({ file: displayPath(file), reason: (error as Error).message }, { cause: error });
  }
}

/** The default export: an object, or a function that returns one. */
async function importModule(file: string): Promise<ParsedConfig> {
  try {
    const module = (await import(pathToFileURL(file).href)) as { default?: unknown };
    const data: unknown = typeof module.default === 'function' ? await module.default() : module.default;
    return { data: data ?? null, source: wholeSource(displayPath(file)) };
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw coreErrors.configProgram({ file: displayPath(file), reason }, { cause: error });
  }
}
