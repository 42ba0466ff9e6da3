// SPDX-License-Identifier: Apache-2.0
import { ifThere } from './if-there.js';
import { readText } from './read-whole.js';

/** A text file; null where there is none. One that is there and cannot be read is never taken for none: that error is thrown. */
export const readIfThere = (path: string): Promise<string | null> => ifThere(readText(path));
