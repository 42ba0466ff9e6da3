// SPDX-License-Identifier: Apache-2.0
// The steps of tokenizer.json in their order: added tokens, normalizer, added tokens again, pre-tokenizer, model. Every step
// gives what the Rust library `tokenizers` 0.23 gives; a step that is not computed here is refused when the file is read.
import { type AddedToken, addedToken, AddedTokens } from './added-tokens.js';
import { decoder, type Decoder } from './decoders.js';
import { isRecord, type Json, partsOf, UnsupportedPart } from './json.js';
import { tokenModel } from './models/index.js';
import type { TokenModel } from './models/model.js';
import { normalizer, type Normalizer } from './normalizers.js';
import { firstOfTemplate, frameOf, type Frame } from './post-processor.js';
import { type PreTokenizer, preTokenizer } from './pre-tokenizers.js';

export class TokenPipeline {
  readonly added: AddedTokens;
  /** The token that the file's own post-processing puts before every text. */
  readonly firstOfTemplate: string | null;
  /** What the file's own post-processing puts around a text. */
  readonly frame: Frame;
  private readonly wordStart: WordStart;
  private readonly normalize: Normalizer;
  private readonly preTokenize: PreTokenizer;
  private readonly model: TokenModel;
  private readonly decoder: Decoder | null;

  /** `more`: tokens that files beside tokenizer.json name. @throws UnsupportedPart */
  constructor(file: Json, more: readonly AddedToken[]) {
    const { normalizer: rewriting, pre_tokenizer: cutting, decoder: joining, model } = file;
    if (!isRecord(model)) throw new UnsupportedPart('model', 'the file has none');
    this.normalize = isRecord(rewriting) ? normalizer(rewriting) : (text) => text;
    this.preTokenize = isRecord(cutting) ? preTokenizer(cutting) : (piece) => [piece];
    this.decoder = isRecord(joining) ? decoder(joining) : null;
    this.model = tokenModel(model);
    this.firstOfTemplate = firstOfTemplate(file['post_processor']);
    this.added = new AddedTokens(this.model, this.normalize);
    const own = partsOf(file['added_tokens']).map((token) => addedToken(token));
    this.added.add(own.filter((token) => token !== null));
    if (more.length > 0) this.added.add(more);
    this.frame = frameOf(file['post_processor'], (text) => this.added.id(text));
    this.wordStart = wordStartOf(file);
  }

  /** Highest id + 1. */
  get size(): number {
    let highest = this.model.vocabulary.highestId();
    for (const id of this.added.byId.keys()) highest = Math.max(highest, id);
    return highest + 1;
  }

  /** Of tokens of the model itself; an added token stands alone. */
  continuesWord(id: number): boolean {
    const text = this.model.vocabulary.text(id);
    if (text === undefined || this.added.byId.has(id)) return false;
    return this.wordStart.prefix !== null ? text.startsWith(this.wordStart.prefix) : !this.wordStart.marks.test(text);
  }

  /** @throws NoToken */
  encode(text: string): number[] {
    const ids: number[] = [];
    for (const { start, end, id } of this.added.findPlain(text)) {
      if (id !== null) ids.push(id);
      else this.encodeStretch(text.slice(start, end), start === 0, ids);
    }
    return ids;
  }

  decode(ids: Iterable<number>, { skipSpecialTokens }: { skipSpecialTokens: boolean }): string {
    const tokens: string[] = [];
    for (const id of ids) {
      const token = this.added.text(id);
      if (token !== undefined && !(skipSpecialTokens && this.added.isSpecial(token))) tokens.push(token);
    }
    return this.decoder === null ? tokens.join(' ') : this.decoder(tokens).join('');
  }

  private encodeStretch(stretch: string, isFirst: boolean, ids: number[]): void {
    const text = this.normalize(stretch);
    for (const { start, end, id } of this.added.findRewritten(text)) {
      if (id !== null) ids.push(id);
      else if (end > start) this.encodePiece(text.slice(start, end), isFirst && start === 0, ids);
    }
  }

  private encodePiece(text: string, isFirst: boolean, ids: number[]): void {
    for (const piece of this.preTokenize({ text, isFirst }))
      for (const id of this.model.encode(piece.text)) ids.push(id);
  }
}

/** How a token says that it begins a word: by not having the prefix of those that go on, or by a mark of the space before. */
interface WordStart {
  readonly prefix: string | null;
  readonly marks: RegExp;
}

function wordStartOf({ model }: Json): WordStart {
  const prefix = isRecord(model) ? model['continuing_subword_prefix'] : null;
  return { prefix: typeof prefix === 'string' && prefix !== '' ? prefix : null, marks: /^[Ġ▁Ċ\s]/u };
}
