// SPDX-License-Identifier: Apache-2.0
import { isRecord, type Json, UnsupportedPart } from '../json.js';

/** Turns a piece of text, as the pre-tokenizer left it, into ids. */
export interface TokenModel {
  readonly vocabulary: Vocabulary;
  /** @throws NoToken */
  encode(piece: string): readonly number[];
}

/** Tokens and their ids, both ways. */
export class Vocabulary {
  private readonly texts = new Map<number, string>();

  constructor(private readonly ids: ReadonlyMap<string, number>) {
    const most = Math.max(4 * ids.size, ids.size + 100_000);
    for (const [text, id] of ids) {
      if (!Number.isInteger(id) || id < 0 || id > most) throw new IdTooLarge(text, id, ids.size);
      this.texts.set(id, text);
    }
  }

  get size(): number {
    return this.ids.size;
  }

  id(text: string): number | undefined {
    return this.ids.get(text);
  }

  text(id: number): string | undefined {
    return this.texts.get(id);
  }

  /** −1 where there is none. */
  highestId(): number {
    let highest = -1;
    for (const id of this.texts.keys()) highest = Math.max(highest, id);
    return highest;
  }
}

class IdTooLarge extends UnsupportedPart {
  constructor(text: string, id: number, count: number) {
    super('model.vocab', `${JSON.stringify(text)} has the id ${id}, but there are ${count} tokens`);
  }
}

/** `vocab` as an object of ids. @throws UnsupportedPart */
export function readVocabulary(config: Json): Vocabulary {
  const vocab = config['vocab'];
  if (!isRecord(vocab)) throw new UnsupportedPart('model.vocab', 'it is not an object of tokens and ids');
  return new Vocabulary(new Map(Object.entries(vocab) as [string, number][]));
}
