// SPDX-License-Identifier: Apache-2.0
/** One call of the system may move fewer bytes than it was asked to, and moves less than 2 GiB: it is made until all are moved. */
import type { FileHandle } from 'node:fs/promises';

const mostBytes = 2 ** 30;

/** Fills `data` from a position on; how many bytes there were before the file ended. */
export async function readInto(handle: Pick<FileHandle, 'read'>, data: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < data.length) {
    const { bytesRead } = await handle.read(data, done, Math.min(mostBytes, data.length - done), position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** Writes all of `data` from a position on; null: behind what the handle wrote last. */
export async function writeAll(
  handle: Pick<FileHandle, 'write'>,
  data: Uint8Array,
  position: number | null = null,
): Promise<void> {
  for (let done = 0; done < data.length;) {
    const at = position === null ? null : position + done;
    done += (await handle.write(data, done, Math.min(mostBytes, data.length - done), at)).bytesWritten;
  }
}
