// SPDX-License-Identifier: Apache-2.0
import type { Rewrite } from './rewrite.js';

export interface SpanSettings {
  readonly density: number;
  readonly spanLength: number;
  readonly sentinels: readonly number[];
}

/** How many tokens and spans of a text of this length go (T5's random_spans_noise_mask); null: it is too short. */
export function spanCounts(length: number, { density, spanLength, sentinels }: SpanSettings) {
  if (length < 2) return null;
  const hidden = Math.min(Math.max(1, Math.round(length * density)), length - 1);
  const wanted = Math.max(1, Math.round(hidden / spanLength));
  return { hidden, spans: Math.min(wanted, length - hidden, sentinels.length - 1) };
}

/**
 * Spans of the text become one sentinel each; the answer is each sentinel with what it stands for, and a last sentinel:
 * a b c d e → a ⟨0⟩ d ⟨1⟩ and ⟨0⟩ b c ⟨1⟩ e ⟨2⟩. Kept and hidden tokens are cut into as many spans by random
 * segmentation, the first kept, as T5 does (seqio, random_spans_noise_mask).
 */
export const spansToSentinels =
  (settings: SpanSettings): Rewrite =>
  (ids, draw, room) => {
    const length = lengthThatFits(ids.length, room, settings);
    const counts = length === 0 ? null : spanCounts(length, settings);
    if (counts === null || counts.spans < 1) return null;
    const { hidden, spans } = counts;
    const kept = segments(length - hidden, spans, draw('kept', length));
    const gone = segments(hidden, spans, draw('hidden', length));
    const [prompt, answer]: number[][] = [[], []];
    let at = 0;
    for (let span = 0; span < spans; span++) {
      const end = at + kept[span]!;
      prompt!.push(...ids.slice(at, end), settings.sentinels[span]!);
      answer!.push(settings.sentinels[span]!, ...ids.slice(end, end + gone[span]!));
      at = end + gone[span]!;
    }
    return { prompt: prompt!, answer: [...answer!, settings.sentinels[spans]!] };
  };

/** The most tokens of a text that fit with its sentinels: two a span, and the last one. */
function lengthThatFits(length: number, room: number, settings: SpanSettings): number {
  for (let tokens = Math.min(length, room); tokens >= 2; tokens--) {
    const counts = spanCounts(tokens, settings);
    if (counts !== null && tokens + 2 * counts.spans + 1 <= room) return tokens;
  }
  return 0;
}

/** `total` cut into `count` parts of at least one, every such cut as likely: the places of the `count − 1` least draws. */
function segments(total: number, count: number, draws: Float32Array): number[] {
  const places = Array.from({ length: total - 1 }, (_, at) => at + 1);
  const cuts = places.sort((a, b) => draws[a]! - draws[b]! || a - b).slice(0, count - 1);
  const borders = [0, ...cuts.sort((a, b) => a - b), total];
  return borders.slice(1).map((border, at) => border - borders[at]!);
}
