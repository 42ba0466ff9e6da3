// SPDX-License-Identifier: Apache-2.0
import type { EncodedResponse } from '@llmf/training';
import { dialogueOf } from '../formats/dialogue.js';
import type { ChatExample, Example, Message, TextExample, TokenExample } from '../formats/example.js';
import { RowProblem } from '../readers/row-reader.js';
import type { ChosenTemplate } from '../templates/choose.js';
import type { Tokenizer } from '../tokenizer.js';
import { countedTokens, longestLength, type EncodedParts } from './encoded-parts.js';
import { encodeSequences } from './encode-sequences.js';
import { renderChat, type TextSegment } from './segments.js';
import { truncateRow } from './truncate.js';
import type { Encoded, EncodingOptions } from './encoding.js';

/** Rows whose tokens are compared with those that inference would give: a template that differs does so in all. */
const rowsCompared = 16;

/** Turns examples into tokens: render, tokenize prompt and answers apart, mask, truncate. */
export class Encoder {
  /** Lines for the user that concern the whole data set, each once. */
  readonly notices = new Set<string>();
  #compared = 0;

  constructor(
    private readonly tokenizer: Tokenizer | null,
    private readonly template: ChosenTemplate | null,
    private readonly options: EncodingOptions,
  ) {}

  /** @throws RowProblem with the reason why the row cannot be used. */
  encode(example: Example): Encoded {
    if (!this.options.leavesMedia) checkNoMedia(example);
    if (example.kind === 'tokens') return this.#finish(this.#tokens(example));
    if (this.tokenizer === null || this.template === null)
      throw new RowProblem('the row holds text, but there is no tokenizer');
    if (example.kind === 'sequences') return encodeSequences(example, this.tokenizer, this.options);
    if (example.kind === 'text') return this.#text(example.text, example);
    return this.#answered(this.#inTurns(example));
  }

  #answered(example: ChatExample): Encoded {
    if (this.options.asText) return this.#text(this.#written(example), example);
    if (example.answers.length === 0) return this.#finish(this.#prompt(example));
    return this.#finishAll(this.#chats(example), example.wasCut === true ? 'turns behind the last answer' : null);
  }

  /** A dialogue that is written as one text has turns where a template writes them; as it stands it stays one text. */
  #inTurns(example: ChatExample): ChatExample {
    const chat = this.#isPlain(example) ? null : dialogueOf(example);
    if (chat === null) return example;
    this.notices.add(
      'Texts that are dialogues ("Human: … Assistant: …", as HH-RLHF has them) are read as turns; `data.template: none` takes them as they stand.',
    );
    return chat;
  }

  /** The rows of one example that can be used. @throws RowProblem where none can */
  #finishAll(rows: readonly (() => EncodedParts)[], cut: string | null): Encoded {
    const finished: Encoded[] = [];
    const problems: RowProblem[] = [];
    for (const row of rows) {
      try {
        finished.push(this.#finish(this.#joinPrompt(row())));
      } catch (error) {
        if (!(error instanceof RowProblem)) throw error;
        problems.push(error);
      }
    }
    if (finished.length === 0) throw problems[0]!;
    const lost = problems.map(({ message }) => `an earlier answer is left out: ${message}`);
    const truncated = [...finished.map((each) => each.truncated), ...lost].find((reason) => reason !== null) ?? cut;
    return { rows: finished.flatMap((each) => each.rows), truncated };
  }

  #finish(row: EncodedParts): Encoded {
    const { maxLength, truncation, leavesMedia, wholePrompts } = this.options;
    if (wholePrompts && row.prompt.length === 0)
      throw new RowProblem('the row has no prompt, which this model reads through its encoder');
    if (row.responses.some((response) => countedTokens(row.prompt, response) === 0)) {
      throw new RowProblem('no token of the answer is learned');
    }
    const length = longestLength(row);
    const isWhole = maxLength === null || length <= maxLength || (leavesMedia && row.media.length > 0);
    if (isWhole) return { rows: [row], truncated: null };
    if (row.responses.length === 0 && truncation !== 'keepEnd') {
      throw new RowProblem(
        `a prompt of ${length} tokens, maxLength ${maxLength}: truncation keepEnd would keep its end`,
      );
    }
    const cut = truncateRow(row, truncation, maxLength, this.tokenizer?.bos?.id ?? null);
    return { rows: [cut], truncated: `${length} tokens cut to ${longestLength(cut)} (${truncation})` };
  }

  #tokens({ prompt, answers, ...common }: TokenExample): EncodedParts {
    const responses = answers.map(({ role, ids }) => response(ids, role, 1));
    return { ...commonParts(common), prompt: Int32Array.from(prompt), responses };
  }

  /** Running text with eos behind it, in pieces of maxLength; a piece repeats one token so that none goes unpredicted. */
  #text(text: string, common: Common): Encoded {
    const { bos, eos, addsBos } = this.tokenizer!;
    const ids = this.tokenizer!.encode(text);
    if (bos === null && eos === null) return this.#framedText(ids, common);
    if (addsBos && bos !== null && ids[0] !== bos.id) ids.unshift(bos.id);
    if (eos !== null && ids.at(-1) !== eos.id) ids.push(eos.id);
    if (ids.length < 2) throw new RowProblem('the text has fewer than two tokens');
    const size = this.options.maxLength ?? ids.length;
    const rows: EncodedParts[] = [];
    for (let start = 0; start < ids.length - 1; start += size - 1) {
      const piece = response(ids.slice(start, start + size), 'response', 1);
      piece.counted[0] = 0;
      rows.push({ ...commonParts(common), prompt: new Int32Array(0), responses: [piece] });
    }
    if (this.options.wholePrompts)
      throw new RowProblem('running text has no prompt, which this model reads through its encoder');
    return { rows, truncated: null };
  }

  /** Running text of a tokenizer that frames texts, as an encoder's: each piece of maxLength has the frame of its own. */
  #framedText(ids: readonly number[], common: Common): Encoded {
    const { before, after } = this.tokenizer!.frame;
    const size = (this.options.maxLength ?? Infinity) - before.length - after.length;
    if (size < 1) throw new RowProblem('maxLength leaves no token between those that frame a text');
    const rows: EncodedParts[] = [];
    for (let start = 0; start < ids.length; start += size) {
      const piece = response([...before, ...ids.slice(start, start + size), ...after], 'response', 1);
      if (piece.ids.length < 2) continue; // nothing predicts it
      piece.counted[0] = 0;
      rows.push({ ...commonParts(common), prompt: new Int32Array(0), responses: [piece] });
    }
    if (rows.length === 0) throw new RowProblem('the text has fewer than two tokens');
    return { rows, truncated: null };
  }

  /** A whole chat as running text. */
  #written(example: ChatExample): string {
    const answer = example.answers[0]!;
    if (this.#isPlain(example)) return example.messages[0]!.content + answer.messages[0]!.content;
    const chat = this.#template(example);
    return chat.render([...this.#context(example), ...answer.messages], {
      addGenerationPrompt: false,
      tools: example.tools,
    });
  }

  /** A prompt that is to be answered: the same ids as in front of an answer. */
  #prompt(example: ChatExample): EncodedParts {
    if (this.#isPlain(example)) return this.#plain(example);
    const template = this.#template(example);
    const text = template.render(this.#context(example), { addGenerationPrompt: true, tools: example.tools });
    const ids = withoutDoubleBos(this.tokenizer!.encode(text), this.tokenizer!);
    return { ...commonParts(example), prompt: this.#promptOf(ids), responses: [] };
  }

  /**
   * One row, and behind it one for each earlier answer that the template writes otherwise once the chat goes on (without
   * its reasoning, or without the empty block in front of it): such an answer is learned as a model is asked for it.
   */
  #chats(example: ChatExample): (() => EncodedParts)[] {
    if (this.#isPlain(example)) return [() => this.#plain(example)];
    const { row, rewritten } = this.#chat(example);
    if (rewritten.length === 0) return [() => row];
    const [answer, other] = example.answers;
    const isSplit = other === undefined && !this.options.trainOnPrompt && row.media.length === 0;
    this.notices.add(
      `Template ${this.#template(example).name} writes earlier turns otherwise once the chat goes on (as it does with ` +
        `reasoning): such turns are ${isSplit ? 'learned in rows of their own' : 'context only'}; the others are learned.`,
    );
    if (!isSplit) return [() => row];
    const alone = rewritten.map((turn) => () => {
      const messages = [...example.messages, ...answer!.messages.slice(0, turn)];
      return this.#chat({ ...example, messages, answers: [{ ...answer!, messages: [answer!.messages[turn]!] }] }).row;
    });
    return row.responses.some((response) => countedTokens(row.prompt, response) > 0) ? [() => row, ...alone] : alone;
  }

  #chat(example: ChatExample): { row: EncodedParts; rewritten: readonly number[] } {
    const tokenizer = this.tokenizer!;
    const template = this.#template(example);
    const rendered = renderChat(template, {
      context: this.#context(example),
      answers: example.answers.map(({ messages }) => messages),
      tools: example.tools,
      learns: (message, isLast) => message.isMasked !== true && (isLast || !this.options.maskHistory),
      tokens: tokenizer,
    });
    for (const adaptation of template.adaptations) this.notices.add(`Template ${template.name}: ${adaptation}.`);
    if (rendered.unwrittenOpening !== null) {
      this.notices.add(
        `Template ${template.name} has a model answer behind ${JSON.stringify(rendered.unwrittenOpening)}, which it does ` +
          'not write before the answers of the data: what is learned stands behind other tokens than at inference.',
      );
    }
    const prompt = withoutDoubleBos(tokenizer.encode(rendered.prompt), tokenizer);
    const responses = example.answers.map(({ role }, at) => {
      return this.#joinSegments(rendered.answers[at]!, rendered.prompt, role);
    });
    const row = { ...commonParts(example), prompt: this.#promptOf(prompt), responses };
    if (this.#compared++ < rowsCompared)
      this.#compareWithInference(row, rendered.prompt, rendered.answers[0]!, template.name);
    return { row, rewritten: rendered.rewritten.flat() };
  }

  /** The tokens before the last learned turn are those of the same text as a prompt, or a line says that they are not. */
  #compareWithInference(row: EncodedParts, prompt: string, segments: readonly TextSegment[], name: string): void {
    const last = segments.findLastIndex(({ isCounted }) => isCounted);
    if (last < 1) return;
    const before = this.#joinSegments(segments.slice(0, last), prompt, 'response');
    const text =
      prompt +
      segments
        .slice(0, last)
        .map((segment) => segment.text)
        .join('');
    const asPrompt = withoutDoubleBos(this.tokenizer!.encode(text), this.tokenizer!);
    const ids = [...row.prompt, ...before.ids];
    if (ids.length === asPrompt.length && ids.every((id, at) => id === asPrompt[at])) return;
    this.notices.add(
      `Template ${name} has no special token where turns meet: the tokens before a later answer are not quite those of ` +
        'the same chat as a prompt.',
    );
  }

  /** Tokens of the segments of one answer, each tokenized by itself, so that counted tokens do not depend on their neighbours. */
  #joinSegments(segments: readonly TextSegment[], prompt: string, role: EncodedResponse['role']): EncodedResponse {
    const tokenizer = this.tokenizer!;
    const ids: number[] = [];
    const counted: number[] = [];
    let before = prompt;
    for (const { text, isCounted } of segments) {
      const continues = before !== '' && tokenizer.addedTokenAtEnd(before) === null;
      const piece = tokenizer.encode(text, { continues });
      for (const id of piece) {
        ids.push(id);
        counted.push(isCounted ? 1 : 0);
      }
      before = text;
    }
    return { ids: Int32Array.from(ids), counted: Uint8Array.from(counted), role };
  }

  /** A prompt string and answer strings, tokenized apart as they stand; `join` puts eos behind the answers. */
  #plain(example: ChatExample): EncodedParts {
    const { bos, eos, addsBos } = this.tokenizer!;
    const prompt = this.tokenizer!.encode(example.messages[0]!.content);
    if (addsBos && bos !== null && prompt[0] !== bos.id) prompt.unshift(bos.id);
    const responses = example.answers.map(({ role, messages }) => {
      const ids = this.tokenizer!.encode(messages[0]!.content);
      if (this.template!.plain === 'join' && eos !== null && ids.at(-1) !== eos.id) ids.push(eos.id);
      return response(ids, role, 1);
    });
    if (this.template!.plain === 'join' && eos === null && responses.length > 0) {
      this.notices.add(
        'The tokenizer has no end-of-sequence token: answers end without one, so the model cannot learn to stop.',
      );
    }
    return { ...commonParts(example), prompt: this.#promptOf(prompt), responses };
  }

  #promptOf(ids: number[]): Int32Array {
    return Int32Array.from(this.options.wholePrompts ? this.tokenizer!.ended(ids) : ids);
  }

  /** With trainOnPrompt the prompt becomes part of the one response. */
  #joinPrompt(row: EncodedParts): EncodedParts {
    if (!this.options.trainOnPrompt) return row;
    const [only] = row.responses;
    const joined = response([...row.prompt, ...only!.ids], only!.role, 1);
    if (row.prompt.length > 0) joined.counted[0] = 0;
    return { ...row, prompt: new Int32Array(0), responses: [joined] };
  }

  #isPlain(example: ChatExample): boolean {
    if (this.template!.plain === 'render') return false;
    if (example.isPlain && this.options.systemPrompt === null) return true;
    if (this.template!.plain !== 'asIs') return false;
    // Without a template, one question and its answers can still be taken as they stand.
    const isSimple = example.messages.length === 1 && example.system === undefined && example.tools === undefined;
    if (
      isSimple &&
      example.answers.every(({ messages }) => messages.length === 1 && messages[0]!.toolCalls === undefined)
    )
      return true;
    throw new RowProblem('a chat of several turns cannot be written without a template');
  }

  #template(example: ChatExample) {
    if (!example.isPlain && this.template!.chatNotice !== null) this.notices.add(this.template!.chatNotice);
    return this.template!.chat!;
  }

  #context({ system, messages }: ChatExample): readonly Message[] {
    if (system !== undefined) return [system, ...messages];
    const content = this.options.systemPrompt;
    return content === null ? messages : [{ role: 'system', content }, ...messages];
  }
}

/** @throws RowProblem where a row shows what nothing loaded looks at. */
function checkNoMedia(example: Example): void {
  const turns =
    example.kind === 'chat'
      ? [
          ...(example.system === undefined ? [] : [example.system]),
          ...example.messages,
          ...example.answers.flatMap(({ messages }) => messages),
        ]
      : [];
  const kind = example.media[0]?.kind ?? turns.flatMap(({ media }) => media ?? [])[0]?.kind;
  if (kind === undefined) return;
  throw new RowProblem(
    `the row has ${kind}s, and nothing that is loaded for this model reads them (pictures and films: --plugin vision)`,
  );
}

type Common = Pick<TextExample, 'weight' | 'extras' | 'media'>;

const commonParts = ({ weight, extras, media }: Common) => ({ weight, extras, media });

function response(ids: readonly number[], role: EncodedResponse['role'], counted: 0 | 1) {
  return { ids: Int32Array.from(ids), counted: new Uint8Array(ids.length).fill(counted), role };
}

/** A template that writes bos in front of a text that begins with it: one is enough. */
function withoutDoubleBos(ids: number[], { bos }: Tokenizer): number[] {
  return bos !== null && ids[0] === bos.id && ids[1] === bos.id ? ids.slice(1) : ids;
}
