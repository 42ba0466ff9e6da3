// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readModelConfig } from './model-config.js';

/** SHA-256 of a folder's weight files and of its config, whatever its layout of blanks; hex. */
export async function fingerprintOf(folder: string): Promise<string> {
  const config = await readModelConfig(folder);
  const hash = createHash('sha256').update(JSON.stringify(config));
  const names = (await readdir(folder)).filter((name) => /^model.*\.safetensors$/.test(name)).sort();
  for (const name of names) {
    hash.update(`\n${name}\n`);
    for await (const piece of createReadStream(join(folder, name), { highWaterMark: 2 ** 20 })) {
      hash.update(piece as Buffer);
    }
  }
  return hash.digest('hex');
}
