// SPDX-License-Identifier: Apache-2.0
/** A stretch of a text on its way to ids. */
export interface Piece {
  readonly text: string;
  /** Whether the whole text begins here: some tokenizers put a space before the first piece only. */
  readonly isFirst: boolean;
}

/** A piece in parts; only its first part can begin the text. */
export const divide = (piece: Piece, texts: readonly string[]): Piece[] =>
  texts.map((text, at) => ({ text, isFirst: piece.isFirst && at === 0 }));
