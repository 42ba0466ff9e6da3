// SPDX-License-Identifier: Apache-2.0
import { errors } from '../errors.js';
import { decodeRow, type ByteFile } from './byte-file.js';
import { ByteIndex } from './byte-index.js';
import { IndexedReader, type ParseRow } from './indexed-reader.js';
import { indexLines } from './json-lines.js';
import { RowProblem, type RowReader, type TextPieces } from './row-reader.js';

const largestPieceBytes = 256e6;

/** Plain text in pieces: every line, every paragraph (separated by blank lines) or the whole file. Rows are `{ text }`. */
export async function readText(file: ByteFile, pieces: TextPieces): Promise<RowReader> {
  const index =
    pieces === 'line' ? await indexLines(file) : pieces === 'paragraph' ? await indexParagraphs(file) : wholeFile(file);
  return new IndexedReader(file, index, parseText);
}

const parseText: ParseRow = (bytes) => {
  const text = decodeRow(bytes);
  return text instanceof RowProblem ? text : { text: text.replace(/\r\n/g, '\n').replace(/\r$/, '') };
};

function wholeFile(file: ByteFile): ByteIndex {
  const bytes = file.size - file.begin;
  if (bytes > largestPieceBytes) throw errors.pieceTooLarge({ path: file.path, bytes });
  const index = new ByteIndex();
  if (bytes > 0) index.push(file.begin, file.size);
  return index;
}

/** Joins neighbouring lines that hold text; a blank line ends the paragraph. */
async function indexParagraphs(file: ByteFile): Promise<ByteIndex> {
  const lines = await indexLines(file);
  const index = new ByteIndex();
  for (let row = 0, first = 0; row < lines.length; row++) {
    // A range ends before its line end, so that neighbours lie one byte apart unless a blank line is between.
    if (row + 1 < lines.length && lines.start(row + 1) - lines.end(row) === 1) continue;
    index.push(lines.start(first), lines.end(row));
    first = row + 1;
  }
  return index;
}
