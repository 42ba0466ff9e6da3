// SPDX-License-Identifier: Apache-2.0
import { Template } from '@llmf/jinja';
import { errors } from '../errors.js';
import type { Message } from '../formats/example.js';
import { RowProblem } from '../readers/row-reader.js';
import type { Tokenizer } from '../tokenizer.js';

export interface RenderOptions {
  readonly addGenerationPrompt: boolean;
  readonly tools?: readonly unknown[] | undefined;
}

/** A chat template in Jinja, with what it can express found out by rendering. */
export class ChatTemplate {
  /** It writes a system turn; otherwise the system prompt is put before the first user turn. */
  readonly hasSystem: boolean;
  readonly #template: Template;
  readonly #tokens: Readonly<Record<string, string>>;
  readonly #readsTools: boolean;
  readonly #readsToolCalls: boolean;
  readonly #readsReasoning: boolean;

  constructor(
    readonly name: string,
    readonly source: string,
    tokenizer: Tokenizer,
  ) {
    try {
      this.#template = new Template(source);
    } catch (error) {
      throw errors.templateBroken({ name, problem: (error as Error).message });
    }
    const { bos, eos, pad, unk } = tokenizer;
    this.#tokens = {
      bos_token: bos?.text ?? '',
      eos_token: eos?.text ?? '',
      pad_token: pad?.text ?? '',
      unk_token: unk?.text ?? '',
    };
    this.#readsTools = /\btools\b/.test(source);
    this.#readsToolCalls = /\btool_calls\b/.test(source);
    this.#readsReasoning = /\breasoning_content\b/.test(source);
    this.hasSystem = this.#showsSystem();
  }

  /** Facts about rows that this template could not show as they are; each is told once. */
  readonly adaptations = new Set<string>();

  /** The chat as text. @throws RowProblem where the template refuses it. */
  render(messages: readonly Message[], options: RenderOptions): string {
    return this.#render(this.#adapt(messages, options.tools), options);
  }

  #render(messages: readonly Record<string, unknown>[], { addGenerationPrompt, tools }: RenderOptions): string {
    try {
      return this.#template.render({
        ...this.#tokens,
        messages,
        add_generation_prompt: addGenerationPrompt,
        ...(tools !== undefined && this.#readsTools && { tools }),
      }).text;
    } catch (error) {
      throw new RowProblem(`the template refuses the row: ${(error as Error).message}`);
    }
  }

  /** Whether the text of a system turn comes out. */
  #showsSystem(): boolean {
    const mark = 'system-mark';
    const chat = [
      { role: 'system', content: mark },
      { role: 'user', content: 'user' },
    ];
    try {
      return this.#render(chat, { addGenerationPrompt: false }).includes(mark);
    } catch {
      return false;
    }
  }

  /** Messages as the template reads them; what it cannot express is written into the text, and noted. */
  #adapt(messages: readonly Message[], tools: readonly unknown[] | undefined): Record<string, unknown>[] {
    let turns = messages;
    if (tools !== undefined && !this.#readsTools) {
      this.adaptations.add('it does not show tools: their descriptions were added to the system prompt');
      turns = withSystemSuffix(turns, `You can call these functions:\n${JSON.stringify(tools)}`);
    }
    if (turns[0]?.role === 'system' && !this.hasSystem) {
      this.adaptations.add('it has no system turn: the system prompt was put before the first user turn');
      turns = mergeSystem(turns);
    }
    return turns.map((message) => this.#plainMessage(message));
  }

  #plainMessage({ role, content, toolCalls, reasoning }: Message): Record<string, unknown> {
    let text = content;
    if (reasoning !== undefined && !this.#readsReasoning) text = `<think>\n${reasoning}\n</think>\n\n${text}`;
    if (toolCalls !== undefined && !this.#readsToolCalls) {
      this.adaptations.add('it does not show function calls: they were written as JSON');
      text = [text, ...toolCalls.map((call) => JSON.stringify(call))].filter((part) => part !== '').join('\n');
    }
    return {
      role,
      content: text,
      ...(reasoning !== undefined && this.#readsReasoning && { reasoning_content: reasoning }),
      ...(toolCalls !== undefined &&
        this.#readsToolCalls && { tool_calls: toolCalls.map((call) => ({ type: 'function', function: call })) }),
    };
  }
}

function withSystemSuffix(turns: readonly Message[], suffix: string): Message[] {
  const first = turns[0];
  if (first?.role === 'system') return [{ ...first, content: `${first.content}\n\n${suffix}` }, ...turns.slice(1)];
  return [{ role: 'system', content: suffix }, ...turns];
}

function mergeSystem(turns: readonly Message[]): readonly Message[] {
  const [system, first, ...rest] = turns;
  if (first === undefined || first.role !== 'user') return [{ ...system!, role: 'user' }, ...turns.slice(1)];
  return [{ ...first, content: `${system!.content}\n\n${first.content}` }, ...rest];
}
