// SPDX-License-Identifier: Apache-2.0

/**
 * The merges that sentencepiece's BPE does: of two neighbouring pieces that make a token, those of the highest score first.
 * Every way to cut a token into two others, by falling score; of one token's ways, the better left piece first.
 */
export function mergesByScore(tokens: readonly string[], scores: readonly number[]): [string, string][] {
  const scoreOf = new Map(tokens.map((token, id) => [token, scores[id]!]));
  const found = tokens.flatMap((token, id) => {
    const ways = cuts(token).filter(([left, right]) => scoreOf.has(left) && scoreOf.has(right));
    ways.sort(([a, b], [c, d]) => scoreOf.get(c)! - scoreOf.get(a)! || scoreOf.get(d)! - scoreOf.get(b)!);
    return ways.map((way) => ({ way, score: scores[id]! }));
  });
  return found.sort((a, b) => b.score - a.score).map(({ way }) => way);
}

/** A token in two, at every character. */
function cuts(token: string): [string, string][] {
  const ways: [string, string][] = [];
  for (let at = 1; at < token.length; at++) {
    const isWithin = /[\uDC00-\uDFFF]/.test(token[at]!);
    if (!isWithin) ways.push([token.slice(0, at), token.slice(at)]);
  }
  return ways;
}
