// SPDX-License-Identifier: Apache-2.0
import type { TellRowKind } from '@llmf/core';
import { builtInFormats } from './formats/index.js';
import { dataOptions } from './options.js';
import { openSourceFile } from './sources/open-source-file.js';
import { resolveSources, type SourceFile } from './sources/source.js';

/** What the columns of the training files say together; null where they differ, or serve several kinds of stages. */
export const tellRowKind: TellRowKind = async (raw, folder) => {
  const options = dataOptions.safeParse(raw['data']);
  if (!options.success) return null; // its mistakes are told with the config's others
  try {
    const sources = await resolveSources(options.data.train, folder, () => {});
    const kinds = new Set<string | null>();
    for (const file of sources.flatMap(({ files }) => files)) kinds.add(await kindOf(file));
    const [kind = null] = kinds;
    return kinds.size === 1 ? kind : null;
  } catch {
    return null; // told when the rows are opened
  }
};

async function kindOf(file: SourceFile): Promise<string | null> {
  const { reader, plan } = await openSourceFile(file, builtInFormats, 'any', []);
  await reader.close();
  // A labelled answer may be a bad one: nobody means it as an example to follow.
  const kinds = plan.kinds.includes('labelled') ? ['labelled'] : plan.kinds;
  return kinds.length === 1 ? kinds[0]! : null;
}
