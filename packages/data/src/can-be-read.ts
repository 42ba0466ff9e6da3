// SPDX-License-Identifier: Apache-2.0
import { LlmfError } from '@llmf/core';
import type { StandardRowKind } from '@llmf/training';
import type { DataFormat } from './formats/data-format.js';
import { builtInFormats } from './formats/index.js';
import type { SourceOptions } from './options.js';
import { openSourceFile } from './sources/open-source-file.js';
import { resolveSources } from './sources/source.js';

/** Do the columns of an entry's files serve as rows of a kind? @throws what is wrong with the files themselves */
export async function canBeRead(
  source: SourceOptions,
  folder: string,
  formats: readonly DataFormat[],
  kind: StandardRowKind,
): Promise<boolean> {
  const [found] = await resolveSources([source], folder, () => undefined);
  for (const file of found!.files) {
    try {
      const { reader } = await openSourceFile(file, [...formats, ...builtInFormats], kind, []);
      await reader.close();
    } catch (error) {
      if (LlmfError.is(error) && error.code === 'LLMF_DATA_FORMAT_UNDETECTED') return false;
      throw error;
    }
  }
  return true;
}
