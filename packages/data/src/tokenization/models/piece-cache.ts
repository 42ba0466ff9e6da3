// SPDX-License-Identifier: Apache-2.0
const longestPiece = 256;
const mostPieces = 100_000;

/** Remembers the ids of short pieces: most words of a text come again. */
export function remember(encode: (piece: string) => readonly number[]): (piece: string) => readonly number[] {
  const known = new Map<string, readonly number[]>();
  return (piece) => {
    const found = known.get(piece);
    if (found !== undefined) return found;
    const ids = encode(piece);
    if (piece.length > longestPiece) return ids;
    if (known.size >= mostPieces) known.clear();
    known.set(piece, ids);
    return ids;
  };
}
