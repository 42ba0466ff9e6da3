// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { basename, join, resolve } from 'node:path';
import { entriesIfThere, readIfThere, readText } from '@llmf/core';
import { errors } from './errors.js';
import { tokenizerFault } from './tokenizer-limits.js';
import { type Json, NoToken, UnsupportedPart } from './tokenization/json.js';
import { moreAddedTokens } from './tokenization/more-added-tokens.js';
import { TokenPipeline } from './tokenization/token-pipeline.js';

/** Ids that an older version wrote to disk are not used again. */
const encodingVersion = 2;

export interface SpecialToken {
  readonly id: number;
  readonly text: string;
}

/**
 * The tokenizer of a model folder: tokenizer.json with what tokenizer_config.json, special_tokens_map.json,
 * added_tokens.json, chat_template.* and, for lack of those, config.json say about special tokens.
 */
export class Tokenizer {
  readonly bos: SpecialToken | null;
  readonly eos: SpecialToken | null;
  readonly pad: SpecialToken | null;
  readonly unk: SpecialToken | null;
  /** Whether plain texts begin with `bos` (`add_bos_token`, or the tokenizer's own post-processing). */
  readonly addsBos: boolean;
  /** Whether whole texts end with `eos` (`add_eos_token`, or the same post-processing). */
  readonly addsEos: boolean;
  /** Highest id + 1. */
  readonly vocabularySize: number;
  /** Changes with anything that changes ids. */
  readonly fingerprint: string;
  /** Jinja sources that come with the tokenizer, by name; `default` is the usual one. */
  readonly chatTemplates: ReadonlyMap<string, string>;
  /** Ids of every token that the tokenizer calls special. */
  readonly specialIds: ReadonlySet<number>;
  readonly mask: SpecialToken | null;
  /** What the tokenizer's own post-processing puts around a text. */
  readonly frame: { readonly before: readonly number[]; readonly after: readonly number[] };
  /** Texts of added tokens, longest first, for finding a special token at the end of a text. */
  private readonly addedTexts: readonly string[];
  /** A text before a continued one that no token crosses, when the tokenizer puts a space before every text. */
  private readonly shield: { readonly text: string; readonly length: number } | null;

  private constructor(
    private readonly inner: TokenPipeline,
    readonly folder: string,
    files: TokenizerFiles,
  ) {
    const special = (key: string, idKey: string) => this.specialToken(files, key, idKey);
    this.bos = special('bos_token', 'bos_token_id');
    this.eos = special('eos_token', 'eos_token_id');
    this.pad = special('pad_token', 'pad_token_id');
    this.unk = special('unk_token', 'unk_token_id');
    this.mask = special('mask_token', 'mask_token_id');
    this.frame = inner.frame;
    this.specialIds = specialIds(inner, [this.bos, this.eos, this.pad, this.unk, this.mask]);
    this.fingerprint = files.fingerprint;
    this.chatTemplates = files.chatTemplates;
    this.vocabularySize = inner.size;
    const added = [...inner.added.byId.values()].map(({ content }) => content);
    this.addedTexts = added.filter((text) => text.trim() !== '').sort((a, b) => b.length - a.length);
    const { bos, eos } = this;
    const { add_bos_token: bosStated, add_eos_token: eosStated } = files.config;
    this.addsBos = bos !== null && adds(bosStated, inner.firstOfTemplate === bos.text);
    this.addsEos = eos !== null && adds(eosStated, inner.frame.after.at(-1) === eos.id);
    this.shield = findShield((text) => inner.encode(text));
  }

  /** @throws LLMF_DATA_TOKENIZER_MISSING, LLMF_DATA_TOKENIZER_BROKEN, LLMF_DATA_TOKENIZER_UNSUPPORTED */
  static async load(folder: string): Promise<Tokenizer> {
    const files = await readFiles(resolve(folder));
    try {
      return new Tokenizer(new TokenPipeline(files.tokenizer, moreAddedTokens(files)), resolve(folder), files);
    } catch (error) {
      if (error instanceof UnsupportedPart) {
        const { part, because } = error;
        throw errors.tokenizerUnsupported({ path: join(folder, 'tokenizer.json'), part, because }, { cause: error });
      }
      const problem = error instanceof Error ? error.message : String(error);
      throw errors.tokenizerBroken({ path: join(folder, 'tokenizer.json'), problem }, { cause: error });
    }
  }

  /**
   * Token ids of a text, nothing added. `continues`: the text goes on in the middle of another one, so that a tokenizer
   * that puts a space before every text (Llama 2) does not put one here.
   * @throws LLMF_DATA_LONE_SURROGATE, LLMF_DATA_NO_TOKEN
   */
  encode(text: string, { continues = false } = {}): number[] {
    if (text === '') return [];
    if (!continues || this.shield === null) return this.idsOf(text);
    return this.idsOf(this.shield.text + text).slice(this.shield.length);
  }

  /** A text between the tokens that the tokenizer's own post-processing puts around it, at most `limit` tokens in all. */
  sequence(text: string, limit: number | null = null): number[] {
    return this.framed(this.encode(text), limit);
  }

  /** Tokens of a text that is given as words, each encoded by itself; `word`: the place of each token's word, −1: of none. */
  wordSequence(words: readonly string[], limit: number | null = null): { ids: number[]; word: number[] } {
    const pieces = words.map((text, at) => this.encode(at === 0 ? text : ` ${text}`, { continues: at > 0 }));
    const { before, after } = this.frame;
    const places = pieces.flatMap((ids, at) => ids.map(() => at)).slice(0, this.room(limit));
    const none = (ids: readonly number[]) => ids.map(() => -1);
    return { ids: this.framed(pieces.flat(), limit), word: [...none(before), ...places, ...none(after)] };
  }

  /** Does a token go on with the word before it, as WordPiece's `##s` or a piece without a space before it? */
  continuesWord(id: number): boolean {
    return this.inner.continuesWord(id);
  }

  private framed(ids: readonly number[], limit: number | null): number[] {
    return [...this.frame.before, ...ids.slice(0, this.room(limit)), ...this.frame.after];
  }

  /** Tokens of a text that has `limit` with its frame. */
  private room(limit: number | null): number {
    return limit === null ? Infinity : Math.max(0, limit - this.frame.before.length - this.frame.after.length);
  }

  /** The ids of a text that is whole: with the token that ends one, where this tokenizer has it. */
  ended(ids: number[]): number[] {
    return this.addsEos && ids.at(-1) !== this.eos!.id ? [...ids, this.eos!.id] : ids;
  }

  decode(ids: ArrayLike<number>, { skipSpecialTokens = false } = {}): string {
    return ids.length === 0 ? '' : this.inner.decode(Array.from(ids), { skipSpecialTokens });
  }

  tokenId(text: string): number | undefined {
    return this.inner.added.id(text);
  }

  tokenText(id: number): string | undefined {
    return this.inner.added.text(id);
  }

  /** Whether the text is one token of its own. */
  isOneToken(text: string): boolean {
    const id = this.tokenId(text);
    return id !== undefined && this.encode(text, { continues: true }).join() === String(id);
  }

  /** The added token that the text ends with, or null. */
  addedTokenAtEnd(text: string): string | null {
    return this.addedTexts.find((added) => text.endsWith(added)) ?? null;
  }

  /** The added token that the text begins with, or null. */
  addedTokenAtStart(text: string): string | null {
    return this.addedTexts.find((added) => text.startsWith(added)) ?? null;
  }

  /** Where an added token begins that place `at` of the text would cut in two; null: it cuts none. */
  addedTokenAround(text: string, at: number): number | null {
    for (const added of this.addedTexts) {
      for (let start = Math.max(0, at - added.length + 1); start < at; start++) {
        if (text.startsWith(added, start)) return start;
      }
    }
    return null;
  }

  private idsOf(text: string): number[] {
    const surrogate = text.search(/\p{Surrogate}/u);
    if (surrogate >= 0) throw errors.loneSurrogate({ text, at: surrogate });
    try {
      return this.inner.encode(text);
    } catch (error) {
      if (!(error instanceof NoToken)) throw error;
      throw errors.noToken({ folder: this.folder, text, problem: error.message }, { cause: error });
    }
  }

  private specialToken(files: TokenizerFiles, key: string, idKey: string): SpecialToken | null {
    const named = files.config[key] ?? files.specialTokens[key];
    const text = typeof named === 'string' ? named : (named as { content?: unknown } | null | undefined)?.content;
    if (typeof text === 'string') {
      const id = this.tokenId(text);
      return id === undefined ? null : { id, text };
    }
    // A tokenizer_config that says null means it; only without the file the model's ids are asked.
    if (files.hasConfig) return null;
    const stated = files.modelConfig[idKey];
    const id = Array.isArray(stated) ? (stated[0] as unknown) : stated;
    const idText = typeof id === 'number' ? this.tokenText(id) : undefined;
    return idText === undefined ? null : { id: id as number, text: idText };
  }
}

interface TokenizerFiles {
  readonly tokenizer: Json;
  readonly config: Json;
  readonly hasConfig: boolean;
  readonly specialTokens: Json;
  readonly addedTokens: Json;
  readonly modelConfig: Json;
  readonly chatTemplates: ReadonlyMap<string, string>;
  readonly fingerprint: string;
}

async function readFiles(folder: string): Promise<TokenizerFiles> {
  const text = async (name: string) => readIfThere(join(folder, name));
  const source = await text('tokenizer.json');
  if (source === null) throw errors.tokenizerMissing({ folder });
  const json = async (name: string): Promise<Json | null> => {
    const content = await text(name);
    return content === null ? null : parseJson(content, join(folder, name));
  };
  const config = await json('tokenizer_config.json');
  const specialTokens = (await json('special_tokens_map.json')) ?? {};
  const addedTokens = (await json('added_tokens.json')) ?? {};
  const modelConfig = { ...(await json('config.json')), ...(await json('generation_config.json')) };
  const chatTemplates = await readTemplates(folder, config ?? {}, await json('chat_template.json'));
  const { chat_template: _template, ...idConfig } = config ?? {};
  const hash = createHash('sha256')
    .update(source)
    .update(JSON.stringify([encodingVersion, idConfig, specialTokens, addedTokens]));
  const path = join(folder, 'tokenizer.json');
  const tokenizer = parseJson(source, path);
  const problem = tokenizerFault(tokenizer);
  if (problem !== null) throw errors.tokenizerBroken({ path, problem });
  return {
    tokenizer,
    config: config ?? {},
    hasConfig: config !== null,
    specialTokens,
    addedTokens,
    modelConfig,
    chatTemplates,
    fingerprint: hash.digest('hex'),
  };
}

function parseJson(text: string, path: string): Json {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, '')) as Json;
  } catch (error) {
    throw errors.tokenizerBroken({ path, problem: (error as Error).message });
  }
}

/** chat_template.jinja stands above chat_template.json, that above tokenizer_config.json, as in Transformers. */
async function readTemplates(folder: string, config: Json, file: Json | null): Promise<Map<string, string>> {
  const templates = new Map<string, string>();
  for (const given of [config['chat_template'], file?.['chat_template']]) {
    if (typeof given === 'string') templates.set('default', given);
    if (!Array.isArray(given)) continue;
    for (const { name, template } of given as { name: string; template: string }[]) templates.set(name, template);
  }
  const jinja = await readIfThere(join(folder, 'chat_template.jinja'));
  if (jinja !== null) templates.set('default', jinja);
  const more = join(folder, 'additional_chat_templates');
  for (const name of await entriesIfThere(more)) {
    if (name.endsWith('.jinja')) templates.set(basename(name, '.jinja'), await readText(join(more, name)));
  }
  return templates;
}

/** Those that tokenizer.json or its config name. */
function specialIds(inner: TokenPipeline, named: readonly (SpecialToken | null)[]): Set<number> {
  const added = [...inner.added.byId].flatMap(([id, { special }]) => (special ? [id] : []));
  return new Set([
    ...added,
    ...named.flatMap((token) => (token === null ? [] : [token.id])),
    ...inner.frame.before,
    ...inner.frame.after,
  ]);
}

/** @param byFile what the file's own post-processing does */
const adds = (stated: unknown, byFile: boolean): boolean => (typeof stated === 'boolean' ? stated : byFile);

/** A line break before the text keeps the tokenizer's own space away from it; needed only where that changes the ids. */
function findShield(encode: (text: string) => number[]): { text: string; length: number } | null {
  try {
    const alone = encode('a').join();
    const before = encode('\n');
    const both = encode('\na');
    const isClean = before.length > 0 && both.slice(0, before.length).join() === before.join();
    if (!isClean || both.slice(before.length).join() === alone) return null;
    return { text: '\n', length: before.length };
  } catch (error) {
    // A vocabulary that has neither of the two, nor an unknown token, is asked about real texts only.
    if (error instanceof NoToken) return null;
    throw error;
  }
}
