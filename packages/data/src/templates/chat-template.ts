// SPDX-License-Identifier: Apache-2.0
import { jsonText, Template, TemplateError, type Rendered, type Span } from '@llmf/jinja';
import { errors } from '../errors.js';
import type { Message, ToolCall } from '../formats/example.js';
import { checkFields, mentions } from '../formats/message-fields.js';
import { RowProblem } from '../readers/row-reader.js';
import type { Tokenizer } from '../tokenizer.js';

export interface RenderOptions {
  readonly addGenerationPrompt: boolean;
  readonly tools?: readonly unknown[] | undefined;
}

/** A chat as text, with what is known of where its turns stand. */
export interface RenderedTurns {
  readonly text: string;
  /** What `{% generation %}` blocks of the template wrote. */
  readonly generated: readonly Span[];
  /** Where each message stands; null where the template does not write it in one piece. */
  readonly turns: readonly (Span | null)[];
}

/** A chat template in Jinja, with what it can express found out by rendering. */
export class ChatTemplate {
  /** It writes a system turn; otherwise the system prompt is put before the first user turn. */
  readonly hasSystem: boolean;
  readonly #template: Template;
  readonly #tokens: Readonly<Record<string, string>>;
  readonly #readsTools: boolean;
  readonly #readsToolCalls: boolean;
  /** The name under which it reads a turn's reasoning; null: it reads none. */
  readonly #reasoningField: string | null;

  constructor(
    readonly name: string,
    readonly source: string,
    tokenizer: Tokenizer,
    /** Another one, for chats that offer tools. */
    private readonly withTools: ChatTemplate | null = null,
  ) {
    try {
      this.#template = new Template(source);
    } catch (error) {
      throw errors.templateBroken({ name, problem: faultText(error) });
    }
    const { bos, eos, pad, unk } = tokenizer;
    this.#tokens = {
      bos_token: bos?.text ?? '',
      eos_token: eos?.text ?? '',
      pad_token: pad?.text ?? '',
      unk_token: unk?.text ?? '',
    };
    this.#readsTools = mentions(source, 'tools');
    this.#readsToolCalls = mentions(source, 'tool_calls');
    this.#reasoningField =
      ['reasoning_content', 'reasoning', 'thinking'].find((field) => readsField(source, field)) ?? null;
    this.hasSystem = this.#showsSystem();
  }

  /** Facts about rows that this template could not show as they are; each is told once. */
  readonly adaptations = new Set<string>();

  /** The chat as text. @throws RowProblem where the template refuses it. */
  render(messages: readonly Message[], options: RenderOptions): string {
    return this.renderTurns(messages, options).text;
  }

  /** The chat as text, and where its turns stand in it. @throws RowProblem where the template refuses it. */
  renderTurns(messages: readonly Message[], options: RenderOptions): RenderedTurns {
    if (options.tools !== undefined && this.withTools !== null) return this.withTools.renderTurns(messages, options);
    const adapted = this.#adapt(messages, options.tools);
    const { text, generated, tracked } = this.#render(adapted, options);
    // Only the beginning of a chat is adapted: turns are counted from its end.
    const shift = adapted.length - messages.length;
    return { text, generated, turns: messages.map((_, at) => tracked[at + shift] ?? null) };
  }

  #render(messages: readonly Record<string, unknown>[], { addGenerationPrompt, tools }: RenderOptions): Rendered {
    const values = {
      ...this.#tokens,
      messages,
      add_generation_prompt: addGenerationPrompt,
      tools: this.#readsTools ? (tools ?? null) : null,
      documents: null,
    };
    try {
      return this.#template.render(values, { track: 'messages' });
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      throw new RowProblem(`the template refuses the row: ${faultText(error)}`);
    }
  }

  /** Whether the text of a system turn comes out, alone or before a question and an answer. */
  #showsSystem(): boolean {
    const content = 'system-mark';
    const user = { role: 'user', content: 'user' };
    const chats = [[user], [user, { role: 'assistant', content: 'assistant' }], []];
    return chats.some((rest) => {
      try {
        return this.#render([{ role: 'system', content }, ...rest], { addGenerationPrompt: false }).text.includes(
          content,
        );
      } catch (error) {
        if (error instanceof RowProblem) return false;
        throw error;
      }
    });
  }

  /** Messages as the template reads them; what it cannot express is written into the text, and noted. */
  #adapt(messages: readonly Message[], tools: readonly unknown[] | undefined): Record<string, unknown>[] {
    let turns = messages;
    if (tools !== undefined && !this.#readsTools) {
      this.adaptations.add('it does not show tools: their descriptions were added to the system prompt');
      turns = withSystemSuffix(turns, `You can call these functions:\n${jsonText(tools)}`);
    }
    if (turns[0]?.role === 'system' && !this.hasSystem) {
      this.adaptations.add('it has no system turn: the system prompt was put before the first user turn');
      turns = mergeSystem(turns);
    }
    return turns.map((message) => this.#plainMessage(message));
  }

  #plainMessage({ role, content, toolCalls, reasoning, fields }: Message): Record<string, unknown> {
    if (fields !== undefined) checkFields(fields, this.source);
    let text = content;
    const isInline = reasoning !== undefined && this.#reasoningField === null;
    if (isInline) text = `<think>\n${reasoning}\n</think>\n\n${text}`;
    if (toolCalls !== undefined && !this.#readsToolCalls) {
      this.adaptations.add('it does not show function calls: they were written as JSON');
      const calls = toolCalls.map(({ name, arguments: given }) => jsonText({ name, arguments: given }));
      text = [text, ...calls].filter((part) => part !== '').join('\n');
    }
    return {
      role,
      content: text,
      ...(reasoning !== undefined && !isInline && { [this.#reasoningField!]: reasoning }),
      ...(toolCalls !== undefined && this.#readsToolCalls && { tool_calls: toolCalls.map(plainCall) }),
      ...fields,
    };
  }
}

const plainCall = ({ name, arguments: given, fields }: ToolCall) => ({
  ...(fields?.['type'] === undefined && { type: 'function' }),
  ...fields,
  function: { name, arguments: given },
});

/** `message.field` or `message['field']`; the word alone may stand in a sentence. */
const readsField = (source: string, field: string) => new RegExp(`\\.${field}\\b|['"]${field}['"]`).test(source);

function faultText(error: unknown): string {
  const line = error instanceof TemplateError && error.kind !== 'raised' ? error.line : null;
  return (error as Error).message + (line === null ? '' : ` (line ${line} of the template)`);
}

function withSystemSuffix(turns: readonly Message[], suffix: string): Message[] {
  const first = turns[0];
  if (first?.role === 'system') return [{ ...first, content: `${first.content}\n\n${suffix}` }, ...turns.slice(1)];
  return [{ role: 'system', content: suffix }, ...turns];
}

function mergeSystem(turns: readonly Message[]): readonly Message[] {
  const [system, first, ...rest] = turns;
  if (system!.content === '') return turns.slice(1);
  if (first === undefined || first.role !== 'user') return [{ ...system!, role: 'user' }, ...turns.slice(1)];
  return [{ ...first, content: `${system!.content}\n\n${first.content}` }, ...rest];
}
