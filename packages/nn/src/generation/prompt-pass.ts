// SPDX-License-Identifier: Apache-2.0
import type { GenerationRequest } from '../contracts/generation.js';
import type { ActiveAdapter } from '../contracts/model.js';
import type { AttentionSpan } from '../contracts/ops.js';
import type { Positions, Segment } from '../contracts/segments.js';
import { spanAcross, type Prompt } from './sequence.js';

/** Rows of an arena that tokens of a pass are filed in, and what its queries see of it. */
interface Filed {
  readonly rows: Int32Array;
  readonly spans: readonly AttentionSpan[];
}

/** Tokens of one pass through the model. The arena's rows and spans are of the tokens with what their adapters put before them. */
export interface Pass extends Filed {
  readonly ids: Int32Array;
  readonly segments: readonly Segment[];
  readonly positions: Positions;
  /** That of each segment. */
  readonly adapters: readonly (ActiveAdapter | null)[];
  /** Of the arena of an encoder's tokens. */
  readonly across?: Filed;
  readonly embedded?: GenerationRequest['embedded'];
}

/** Prompts, packed; `ends` are the places of their last tokens. */
export function promptPass(prompts: readonly Prompt[]): Pass & { readonly ends: readonly number[] } {
  return prompts[0]!.source === null ? decoderPass(prompts) : encoderDecoderPass(prompts);
}

function decoderPass(prompts: readonly Prompt[]): Pass & { readonly ends: readonly number[] } {
  const embedded = prompts[0]!.embedded;
  const segments = oneAfterTheOther(prompts.map(({ ids }) => ids.length));
  return {
    ids: Int32Array.from(prompts.flatMap(({ ids }) => [...ids])),
    segments,
    adapters: prompts.map(({ adapter }) => adapter),
    positions: joinedPositions(prompts.map(({ positions }) => positions)),
    rows: Int32Array.from(prompts.flatMap(({ ids, before, start }) => rangeFrom(start, before + ids.length))),
    spans: promptSpans(prompts),
    ends: segments.map(({ start, length }) => start + length - 1),
    ...(embedded === undefined ? {} : { embedded }),
  };
}

/** Each prompt as its source and, behind it, the token with which its answers begin. */
function encoderDecoderPass(prompts: readonly Prompt[]): Pass & { readonly ends: readonly number[] } {
  const parts = prompts.flatMap(({ ids, source }) => [source!, ids]);
  const segments = oneAfterTheOther(parts.map(({ length }) => length)).map((segment, at) =>
    at % 2 === 0 ? segment : { ...segment, source: at - 1 },
  );
  return {
    ids: Int32Array.from(parts.flatMap((part) => [...part])),
    segments,
    adapters: prompts.flatMap(({ adapter }) => [adapter, adapter]),
    positions: Int32Array.from(parts.flatMap((part) => [...part.keys()])),
    rows: Int32Array.from(prompts.flatMap(({ ids, start }) => rangeFrom(start, ids.length))),
    spans: promptSpans(prompts),
    across: {
      rows: Int32Array.from(prompts.flatMap(({ source, sourceStart }) => rangeFrom(sourceStart, source!.length))),
      spans: prompts.map((prompt, query) => spanAcross(prompt, query)),
    },
    ends: segments.filter((_, at) => at % 2 === 1).map(({ start, length }) => start + length - 1),
  };
}

/** What each prompt sees: itself and what its adapter puts before it, of which virtual tokens are queries too. */
function promptSpans(prompts: readonly Prompt[]): AttentionSpan[] {
  const queries = oneAfterTheOther(
    prompts.map(({ ids, adapter }) => ids.length + (adapter?.virtualTokens?.length ?? 0)),
  );
  return prompts.map(({ ids, before, start }, at) => {
    const { start: queryStart, length: queryLength } = queries[at]!;
    return {
      queryStart,
      queryLength,
      keyStart: start,
      keyLength: before + ids.length,
      prefixStart: 0,
      prefixLength: 0,
    };
  });
}

const rangeFrom = (start: number, length: number): number[] => Array.from({ length }, (_, at) => start + at);

function oneAfterTheOther(lengths: readonly number[]): Segment[] {
  let end = 0;
  return lengths.map((length) => ({ start: (end += length) - length, length }));
}

function joinedPositions(all: readonly Positions[]): Positions {
  const axis = (at: 0 | 1 | 2) =>
    Int32Array.from(all.flatMap((each) => [...(each instanceof Int32Array ? each : each[at])]));
  return all.every((each) => each instanceof Int32Array) ? axis(0) : [axis(0), axis(1), axis(2)];
}
