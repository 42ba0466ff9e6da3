// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { ifThere } from './if-there.js';

/** A text file; null where there is none. One that is there and cannot be read is never taken for none: that error is thrown. */
export const readIfThere = (path: string): Promise<string | null> => ifThere(readFile(path, 'utf8'));
