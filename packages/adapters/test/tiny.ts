// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { architectures, createModelLoader } from '@llmf/models';
import { elementFormats, isMatrix, type Adapter, type AttachedAdapter, type Model, type Tokenize } from '@llmf/nn';

export const baseFolder = (name: string) =>
  fileURLToPath(new URL(join('../../models/fixtures', name), import.meta.url));
export const find = (modelType: string) => architectures.find(({ name }) => name === modelType)!;
export const loader = createModelLoader({ find });
export const key = { seed: 1, stream: 'adapter', step: 0, microbatch: 0 };

/** A tiny model of packages/models/fixtures, frozen; its matrices in `format` where one is named. */
export function loadTiny(base: string, format?: string): Promise<Model> {
  const chosen = elementFormats.find(({ name }) => name === format);
  return loader.load(baseFolder(base), {
    isTrainable: () => false,
    find,
    formats:
      chosen &&
      ((weights) =>
        new Map(
          [...weights].flatMap(([name, info]) =>
            isMatrix(info) ? [[name, { format: chosen, options: {} }] as const] : [],
          ),
        )),
  });
}

/** A new adapter of a kind with these options, as a run attaches it. */
export async function attached(
  kind: Adapter,
  model: Model,
  options: Record<string, unknown>,
  tokenize?: Tokenize,
): Promise<AttachedAdapter> {
  const { data } = kind.options!.safeParse(options) as { readonly data: Record<string, unknown> };
  return (await kind.attach(model, data, key, '.', tokenize))!;
}
