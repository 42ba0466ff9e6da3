// SPDX-License-Identifier: Apache-2.0
import { placeholders, type MediaKind } from '../tokens/media-tokens.js';

interface Reference {
  readonly kind: string;
}

/** A content part that is a medium: where the text that stands for it begins; its own reference, or a place in the column. */
interface Mark {
  readonly kind: string;
  readonly at: number;
  readonly reference: Reference | null;
  readonly index?: number;
}

/** The parts of the data plugin's examples that hold text and media; the rest passes through. */
interface Turn {
  readonly role: string;
  readonly content: string;
  /** Present where the content came as parts: then nothing else in the text is a placeholder. */
  readonly media?: readonly Mark[];
}
export interface MediaExample {
  readonly kind: string;
  /** Of the row's columns. */
  readonly media: readonly Reference[];
  /** Kinds for which the row has a column with nothing in it. */
  readonly emptyMedia?: readonly string[];
  readonly text?: string;
  readonly system?: Turn;
  readonly messages?: readonly Turn[];
  readonly answers?: readonly { readonly messages?: readonly Turn[] }[];
}

/**
 * Writes the checkpoint's tokens where an example has its pictures and films, and brings its media into that order:
 * content parts where they stand; else `<image>` and `<video>` in contents that are strings, as many as the columns
 * hold. An answer's are placeholders only where the turns before it hold too few: it may speak of `<image>`. Media
 * without any place come before the first user turn, as TRL places them.
 */
export function writePlaceholders<E extends MediaExample>(example: E): E {
  if (example.kind === 'tokens') return example;
  const places = new Places(example);
  const marked = places.hasNone ? withPlaceholders(example) : example;
  const writer = new Writer(example.media, marked === example ? places : new Places(marked));
  const turns = <T extends Turn>(messages: readonly T[]) => messages.map((turn) => writer.turn(turn));
  const written = {
    ...marked,
    ...(marked.text !== undefined && { text: writer.text(marked.text, 'prompt') }),
    ...(marked.system !== undefined && { system: writer.turn(marked.system) }),
    ...(marked.messages !== undefined && { messages: turns(marked.messages) }),
    ...(marked.answers !== undefined && {
      answers: marked.answers.map((answer) =>
        answer.messages === undefined ? answer : { ...answer, messages: turns(answer.messages) },
      ),
    }),
  };
  return { ...written, media: writer.media() };
}

type Where = 'prompt' | 'answer';

/** Which texts of an example stand for its media. */
class Places {
  readonly #marks: readonly Mark[];
  readonly #written: Readonly<Record<Where, readonly MediaKind[]>>;

  constructor(private readonly example: MediaExample) {
    const turns = turnsOf(example);
    this.#marks = turns.flatMap(({ media }) => media ?? []);
    const strings = turns.filter(({ media }) => media === undefined);
    const kindsOf = (texts: readonly string[]) => texts.flatMap((text) => [...placeholdersIn(text)]);
    this.#written = {
      prompt: kindsOf([example.text ?? '', ...strings.filter((turn) => !isAnswer(turn)).map(({ content }) => content)]),
      answer: kindsOf(strings.filter(isAnswer).map(({ content }) => content)),
    };
  }

  /** Media of the columns, and no place for any of them. */
  get hasNone(): boolean {
    const { media } = this.example;
    return media.length > 0 && this.#marks.length === 0 && media.every(({ kind }) => this.#count(kind) === 0);
  }

  /** Whether `<image>` (or `<video>`) in such a text stands for a medium. */
  isPlaceholder(kind: MediaKind, where: Where): boolean {
    const { media, emptyMedia = [] } = this.example;
    const ofKind = (each: Reference) => each.kind === kind;
    const waiting =
      media.filter(ofKind).length - this.#marks.filter((mark) => ofKind(mark) && mark.reference === null).length;
    if (waiting <= 0) return where === 'prompt' && emptyMedia.includes(kind) && !this.#marks.some(ofKind);
    return where === 'prompt' || this.#count(kind, ['prompt']) < waiting;
  }

  #count(kind: string, wheres: readonly Where[] = ['prompt', 'answer']): number {
    return wheres.flatMap((where) => this.#written[where]).filter((each) => each === kind).length;
  }
}

/** Goes through the texts in their order. */
class Writer {
  readonly #placed: Reference[] = [];

  constructor(
    private readonly column: readonly Reference[],
    private readonly places: Places,
  ) {}

  /** In the order of their tokens; what has no place comes last, so that the count tells. */
  media(): Reference[] {
    return [...this.#placed, ...this.column.filter((medium) => !this.#placed.includes(medium))];
  }

  turn<T extends Turn>(turn: T): T {
    const { media: marks, content } = turn;
    if (marks === undefined) return { ...turn, content: this.text(content, isAnswer(turn) ? 'answer' : 'prompt') };
    let written = '';
    let done = 0;
    for (const mark of marks) {
      this.#place(mark.kind, mark);
      const kind = mark.kind as MediaKind;
      if (!(kind in placeholders)) continue;
      written += content.slice(done, mark.at) + placeholders[kind].tokens;
      done = mark.at + placeholders[kind].written.length;
    }
    return { ...turn, content: written + content.slice(done) };
  }

  text(text: string, where: Where): string {
    return text.replaceAll(writtenPlaceholder, (found, written?: MediaKind, token?: MediaKind) => {
      const kind = (written ?? token)!;
      if (!this.places.isPlaceholder(kind, where)) return found;
      this.#place(kind, null);
      return written === undefined ? found : placeholders[kind].tokens;
    });
  }

  #place(kind: string, mark: Mark | null): void {
    const ofKind = this.column.filter((medium) => medium.kind === kind);
    const next = () => ofKind.find((medium) => !this.#placed.includes(medium));
    const medium = mark?.reference ?? (mark?.index === undefined ? next() : ofKind[mark.index]);
    if (medium !== undefined) this.#placed.push(medium);
  }
}

/** `<image>`, `<video>`, or the checkpoint's own pad where a text was written for it. */
const writtenPlaceholder = /<(image|video)>|<\|(image|video)_pad\|>/g;

function* placeholdersIn(text: string): Iterable<MediaKind> {
  for (const [, written, token] of text.matchAll(writtenPlaceholder)) yield (written ?? token) as MediaKind;
}

const isAnswer = ({ role }: Turn) => role === 'assistant';

const turnsOf = ({ system, messages, answers }: MediaExample): readonly Turn[] => [
  ...(system === undefined ? [] : [system]),
  ...(messages ?? []),
  ...(answers ?? []).flatMap((answer) => answer.messages ?? []),
];

function withPlaceholders<E extends MediaExample>(example: E): E {
  const written = example.media.map(({ kind }) => `<${kind}>`).join('');
  if (example.text !== undefined) return { ...example, text: written + example.text };
  const first = example.messages?.findIndex(({ role }) => role === 'user') ?? -1;
  if (first < 0) return example;
  const marks = example.media.map(({ kind }, at) => {
    const before = example.media.slice(0, at).reduce((length, each) => length + `<${each.kind}>`.length, 0);
    return { kind, at: before, reference: null };
  });
  const messages = example.messages!.map((turn, at) =>
    at === first ? { ...turn, content: written + turn.content, media: marks } : turn,
  );
  return { ...example, messages };
}
