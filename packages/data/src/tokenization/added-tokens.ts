// SPDX-License-Identifier: Apache-2.0
// Tokens that are found in a text before anything else cuts it. Those that are not `normalized` are looked for in the text
// as it came, the others in the rewritten text.
import { isRecord } from './json.js';
import type { TokenModel } from './models/model.js';
import type { Normalizer } from './normalizers.js';

export interface AddedToken {
  readonly content: string;
  readonly single_word: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
  readonly special: boolean;
}

/** A stretch of a text: an added token (`id`) or not (null). */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly id: number | null;
}

/** `content`, with the flags given or those of a plain added token. */
export function addedToken(given: unknown, special = false): AddedToken | null {
  const named: Record<string, unknown> = typeof given === 'string' ? { content: given } : isRecord(given) ? given : {};
  if (typeof named['content'] !== 'string') return null;
  const isSpecial = typeof named['special'] === 'boolean' ? named['special'] : special;
  const flag = (key: string, otherwise: boolean) => (typeof named[key] === 'boolean' ? named[key] : otherwise);
  return {
    content: named['content'],
    single_word: flag('single_word', false),
    lstrip: flag('lstrip', false),
    rstrip: flag('rstrip', false),
    normalized: flag('normalized', !isSpecial),
    special: isSpecial,
  };
}

export class AddedTokens {
  readonly byId = new Map<number, AddedToken>();
  private readonly ids = new Map<string, number>();
  private readonly texts = new Map<number, string>();
  private readonly specials = new Set<string>();
  private plain: Finder | null = null;
  private rewritten: Finder | null = null;

  constructor(
    private readonly model: TokenModel,
    private readonly normalize: Normalizer,
  ) {}

  /** A token of the vocabulary keeps its id; a new one gets the next behind all others, whatever id a file states. */
  add(tokens: readonly AddedToken[]): void {
    let next = this.nextId();
    for (const token of tokens) {
      if (token.content === '') continue;
      const id = this.id(token.content) ?? next++;
      this.ids.set(token.content, id);
      if (token.special) this.specials.add(token.content);
      this.byId.set(id, token);
      this.texts.set(id, token.normalized ? this.normalize(token.content) : token.content);
    }
    this.plain = new Finder([...this.byId].filter(([, token]) => !token.normalized));
    this.rewritten = new Finder(
      [...this.byId].filter(([, token]) => token.normalized),
      this.normalize,
    );
  }

  id(text: string): number | undefined {
    return this.ids.get(text) ?? this.model.vocabulary.id(text);
  }

  /** What the token decodes to: a normalized token as it was rewritten. */
  text(id: number): string | undefined {
    return this.texts.get(id) ?? this.model.vocabulary.text(id);
  }

  isSpecial(text: string): boolean {
    return this.specials.has(text);
  }

  findPlain(text: string): readonly Stretch[] {
    return this.plain?.find(text) ?? whole(text);
  }

  findRewritten(text: string): readonly Stretch[] {
    return this.rewritten?.find(text) ?? whole(text);
  }

  private nextId(): number {
    const { size } = this.model.vocabulary;
    let highest = -1;
    for (const id of this.byId.keys()) highest = Math.max(highest, id);
    return highest >= size ? highest + 1 : size;
  }
}

const whole = (text: string): readonly Stretch[] => [{ start: 0, end: text.length, id: null }];

const wordCharacter = String.raw`[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]`;
const endsWithWord = new RegExp(`${wordCharacter}$`, 'u');
const startsWithWord = new RegExp(`^${wordCharacter}`, 'u');

/** Finds the tokens of a list in a text: leftmost first, the longest of those. */
class Finder {
  private readonly tokens = new Map<string, { readonly id: number; readonly token: AddedToken }>();
  private readonly pattern: RegExp | null;

  constructor(entries: readonly (readonly [number, AddedToken])[], rewrite: Normalizer = (text) => text) {
    for (const [id, token] of entries) {
      const text = rewrite(token.content);
      if (text !== '') this.tokens.set(text, { id, token });
    }
    const longestFirst = [...this.tokens.keys()].sort((a, b) => b.length - a.length);
    const sources = longestFirst.map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
    this.pattern = sources.length === 0 ? null : new RegExp(sources.join('|'), 'g');
  }

  find(text: string): readonly Stretch[] {
    if (this.pattern === null || text === '') return whole(text);
    const found: Stretch[] = [];
    let covered = 0;
    for (const match of text.matchAll(this.pattern)) {
      const { id, token } = this.tokens.get(match[0]) as { id: number; token: AddedToken };
      let start = match.index;
      let end = start + match[0].length;
      if (token.single_word && !standsAlone(text, start, end)) continue;
      if (token.lstrip) start = Math.max(startOfSpace(text, start), covered);
      if (token.rstrip) end = endOfSpace(text, end);
      if (covered < start) found.push({ start: covered, end: start, id: null });
      found.push({ start, end, id });
      covered = end;
    }
    if (covered !== text.length) found.push({ start: covered, end: text.length, id: null });
    return found;
  }
}

const standsAlone = (text: string, start: number, end: number) =>
  !endsWithWord.test(text.slice(Math.max(0, start - 2), start)) && !startsWithWord.test(text.slice(end, end + 2));

const isSpace = (text: string, at: number) => /\p{White_Space}/u.test(text.charAt(at));

function startOfSpace(text: string, end: number): number {
  let start = end;
  while (start > 0 && isSpace(text, start - 1)) start--;
  return start;
}

function endOfSpace(text: string, start: number): number {
  let end = start;
  while (end < text.length && isSpace(text, end)) end++;
  return end;
}
