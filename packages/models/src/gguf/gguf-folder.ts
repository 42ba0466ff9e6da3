// SPDX-License-Identifier: Apache-2.0
// A GGUF file seen as a model folder: config, tokenizer, template and ends from its metadata in a folder of the cache, which
// says where the file is; weights are read from the file itself.
import { createHash } from 'node:crypto';
import { mkdir, realpath, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { isThereSync, makeFolder, writeFolderAtomic } from '@llmf/core';
import { openGguf, readGgufHead, tensorBytes, type GgufTensor } from './gguf-file.js';
import { configOf, kindOf, ropeFactors } from './kinds.js';
import { Metadata } from './metadata.js';
import { ropeScaling } from './rope-scaling.js';
import { tokenizerFiles } from './tokenizer-files.js';

/** Folders that an older version wrote are made anew. */
const version = 1;
/** In the folder: `{ "file": … }`. */
const pointer = 'gguf.json';

/**
 * The files of the folders that this process asked for. A pointer in any other folder counts for nothing: a model folder from
 * elsewhere could name any file with it.
 */
const files = new Map<string, string>();

/** The folder of a GGUF file, made when it is first asked for. @throws LLMF_MODELS_GGUF_… */
export async function ggufFolder(path: string, cache: string = defaultCache()): Promise<string> {
  const file = await realpath(path);
  const { size, mtimeMs } = await stat(file);
  const key = createHash('sha256')
    .update(JSON.stringify([version, file, size, mtimeMs]))
    .digest('hex');
  const folder = join(cache, key.slice(0, 32));
  if (!isThereSync(join(folder, pointer))) await makeFolderOf(file, folder);
  files.set(folder, file);
  return folder;
}

async function makeFolderOf(file: string, folder: string): Promise<void> {
  const contents = await contentsOf(file);
  makeFolder(dirname(folder));
  await writeFolderAtomic(folder, async (temporary) => {
    for (const [name, content] of Object.entries(contents)) {
      await mkdir(dirname(join(temporary, name)), { recursive: true });
      await writeFile(join(temporary, name), content);
    }
  });
}

/** The GGUF file that a folder of {@link ggufFolder} stands for; null for any other folder. */
export const ggufOf = (folder: string): string | null => files.get(folder) ?? null;

async function contentsOf(file: string): Promise<Record<string, string>> {
  const handle = await openGguf(file);
  try {
    const head = await readGgufHead(file, handle);
    const metadata = new Metadata(file, head.metadata);
    const kind = kindOf(metadata);
    const config = configOf(kind, metadata, head);
    const factors = head.tensors.get(ropeFactors);
    const divisors = factors === undefined ? null : await ropeDivisors(metadata, handle, factors);
    const positions = { headDim: headDimOf(config), theta: config['rope_theta'] as number };
    const whole = { ...config, ...ropeScaling(kind, metadata, positions, divisors) };
    return {
      'config.json': `${JSON.stringify(whole, null, 2)}\n`,
      ...tokenizerFiles(metadata),
      [pointer]: `${JSON.stringify({ file })}\n`,
    };
  } finally {
    await handle.close();
  }
}

const headDimOf = (config: Record<string, unknown>): number =>
  (config['head_dim'] as number | undefined) ??
  (config['hidden_size'] as number) / (config['num_attention_heads'] as number);

/** No head is larger than twice this. */
const mostFrequencies = 4096;

async function ropeDivisors(metadata: Metadata, handle: FileHandle, tensor: GgufTensor): Promise<Float32Array> {
  const isList = tensor.type === 'f32' && tensor.shape.length === 1 && tensor.shape[0]! <= mostFrequencies;
  if (!isList) throw metadata.refuse(ropeFactors, 'one f32 for each frequency');
  const bytes = await tensorBytes(metadata.file, handle, tensor, 4 * tensor.shape[0]!);
  return new Float32Array(bytes.buffer);
}

/** `llmf/gguf` in the user's cache folder; relative ones are ignored, as the XDG specification asks. */
function defaultCache(): string {
  const stated = process.env['XDG_CACHE_HOME'];
  const home = stated !== undefined && isAbsolute(stated) ? stated : join(homedir(), '.cache');
  return join(home, 'llmf', 'gguf');
}
