// SPDX-License-Identifier: Apache-2.0
// Unigram language model (Kudo, https://arxiv.org/abs/1804.10959): the division of a piece with the highest sum of scores.
import { booleanOf, type Json, NoToken, UnsupportedPart } from '../json.js';
import { byteIds } from './byte-pieces.js';
import { type TokenModel, Vocabulary } from './model.js';
import { remember } from './piece-cache.js';

/** SentencePiece's: an unknown character costs this much more than the rarest token. */
const unknownPenalty = 10;

/** @throws UnsupportedPart */
export function unigram(config: Json): TokenModel {
  const entries = config['vocab'] as readonly [string, number][] | undefined;
  if (!Array.isArray(entries)) throw new UnsupportedPart('model.vocab', 'it is not a list of tokens and scores');
  const ids = new Map(entries.map(([text], id) => [text, id]));
  const vocabulary = new Vocabulary(ids);
  const scores = entries.map(([, score]) => score);
  const unknown = typeof config['unk_id'] === 'number' ? config['unk_id'] : null;
  const requireUnknown = () => {
    if (unknown === null) throw new NoToken('a character is in no token, and there is no unk_id');
    return unknown;
  };
  const best = new BestDivision(new PrefixTree(ids), scores, requireUnknown);
  const fallsBack = booleanOf(config['byte_fallback'], false);
  const idsOf = (text: string): readonly number[] => {
    const id = ids.get(text);
    if (id !== undefined) return [id];
    return (fallsBack ? byteIds(text, vocabulary) : null) ?? [requireUnknown()];
  };
  return { vocabulary, encode: remember((piece) => best.of(piece, unknown).flatMap(idsOf)) };
}

class BestDivision {
  private readonly unknownScore: number;

  constructor(
    private readonly tree: PrefixTree,
    private readonly scores: readonly number[],
    private readonly requireUnknown: () => number,
  ) {
    this.unknownScore = scores.reduce((least, score) => Math.min(least, score), Infinity) - unknownPenalty;
  }

  /** Neighbouring unknown parts come as one. */
  of(piece: string, unknown: number | null): string[] {
    const { starts, ids } = this.paths(piece);
    const parts: string[] = [];
    let unknownEnd = -1;
    for (let end = piece.length; end > 0; end = starts[end] as number) {
      if (ids[end] === unknown) {
        if (unknownEnd < 0) unknownEnd = end;
        continue;
      }
      if (unknownEnd >= 0) parts.push(piece.slice(end, unknownEnd));
      unknownEnd = -1;
      parts.push(piece.slice(starts[end], end));
    }
    if (unknownEnd >= 0) parts.push(piece.slice(0, unknownEnd));
    return parts.reverse();
  }

  /** For each end: where the last token of its best division starts, and the token's id. */
  private paths(piece: string) {
    const best = new Float64Array(piece.length + 1);
    const starts = new Int32Array(piece.length + 1).fill(-1);
    const ids = new Int32Array(piece.length + 1);
    const offer = (start: number, end: number, id: () => number, score: number) => {
      const total = score + (best[start] as number);
      if (starts[end] !== -1 && total <= (best[end] as number)) return;
      best[end] = total;
      starts[end] = start;
      ids[end] = id();
    };
    for (let start = 0; start < piece.length;) {
      const characterEnd = start + ((piece.codePointAt(start) as number) > 0xffff ? 2 : 1);
      let hasCharacter = false;
      for (const [end, id] of this.tree.tokensAt(piece, start)) {
        offer(start, end, () => id, this.scores[id] as number);
        if (end === characterEnd) hasCharacter = true;
      }
      if (!hasCharacter) offer(start, characterEnd, this.requireUnknown, this.unknownScore);
      start = characterEnd;
    }
    return { starts, ids };
  }
}

/** Finds the tokens that begin at a place. Node 0 is the root; edges are `node · 2¹⁶ + UTF-16 unit`. */
class PrefixTree {
  private readonly edges = new Map<number, number>();
  private readonly ends = new Map<number, number>();
  private nodes = 1;

  constructor(tokens: ReadonlyMap<string, number>) {
    for (const [text, id] of tokens) if (text !== '') this.ends.set(this.nodeOf(text), id);
  }

  /** `[end, id]`, shortest first. */
  tokensAt(text: string, start: number): [number, number][] {
    const found: [number, number][] = [];
    let node = 0;
    for (let at = start; at < text.length; at++) {
      const next = this.edges.get(node * 0x10000 + text.charCodeAt(at));
      if (next === undefined) break;
      node = next;
      const id = this.ends.get(node);
      if (id !== undefined) found.push([at + 1, id]);
    }
    return found;
  }

  private nodeOf(text: string): number {
    let node = 0;
    for (let at = 0; at < text.length; at++) {
      const edge = node * 0x10000 + text.charCodeAt(at);
      let next = this.edges.get(edge);
      if (next === undefined) this.edges.set(edge, (next = this.nodes++));
      node = next;
    }
    return node;
  }
}
