// SPDX-License-Identifier: Apache-2.0
import { parseJson } from '@llmf/jinja';
import { errors } from '../errors.js';
import { decodeRow, type ByteFile } from './byte-file.js';
import type { ParseRow } from './indexed-reader.js';
import { findJsonFault } from './json-error.js';
import { RowProblem } from './row-reader.js';

/** Parses one row of JSON; a fault is an error that names its line and column in the file. */
export function jsonRowParser(file: ByteFile, fix?: string): ParseRow {
  return async (bytes, offset) => {
    const text = decodeRow(bytes);
    if (text instanceof RowProblem) return text;
    try {
      return parseJson(text);
    } catch {
      const fault = findJsonFault(text);
      const place = await file.place(offset + Buffer.byteLength(text.slice(0, fault.index)));
      throw errors.brokenJson({ path: file.path, ...place, problem: fault.problem, ...(fix !== undefined && { fix }) });
    }
  };
}
