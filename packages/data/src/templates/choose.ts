// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { nearest, readText } from '@llmf/core';
import { errors } from '../errors.js';
import type { Message } from '../formats/example.js';
import { RowProblem } from '../readers/row-reader.js';
import type { Tokenizer } from '../tokenizer.js';
import { ChatTemplate } from './chat-template.js';
import { namedSource, namedTemplates } from './named.js';

/** What happens to rows: chats are rendered; plain prompts and answers are rendered too, or joined as they stand. */
export interface ChosenTemplate {
  /** Shown to the user, e.g. `auto (the tokenizer’s own)`. */
  readonly name: string;
  /** Renders chats; null with `none`. */
  readonly chat: ChatTemplate | null;
  /** `render`: as a user and an assistant turn; `join`: as they stand, eos appended; `asIs`: as they stand. */
  readonly plain: 'render' | 'join' | 'asIs';
  /** Told once if a chat row is met. */
  readonly chatNotice: string | null;
}

/**
 * The template that `data.template` names, checked against the tokenizer.
 * @throws LLMF_DATA_UNKNOWN_TEMPLATE, LLMF_DATA_TEMPLATE_BROKEN, LLMF_DATA_TEMPLATE_MISMATCH
 */
export async function chooseTemplate(name: string, tokenizer: Tokenizer, folder: string): Promise<ChosenTemplate> {
  if (name === 'none') return { name, chat: null, plain: 'asIs', chatNotice: null };
  if (name === 'auto') return chooseOwn(tokenizer);
  const chat = await findTemplate(name, tokenizer, folder);
  checkFit(chat, tokenizer);
  return { name, chat, plain: 'render', chatNotice: null };
}

function chooseOwn(tokenizer: Tokenizer): ChosenTemplate {
  const { chatTemplates } = tokenizer;
  const source = chatTemplates.get('default') ?? [...chatTemplates.values()][0];
  if (source !== undefined) {
    // As Transformers: a chat that offers tools is written by the template of that name.
    const toolUse = chatTemplates.get('tool_use');
    const withTools = toolUse === undefined ? null : new ChatTemplate('tool_use', toolUse, tokenizer);
    const chat = new ChatTemplate('auto', source, tokenizer, withTools);
    checkFit(chat, tokenizer);
    return { name: 'auto (the tokenizer’s own)', chat, plain: 'render', chatNotice: null };
  }
  return {
    name: 'auto (plain: the tokenizer has none)',
    chat: build('plain', tokenizer)!,
    plain: 'join',
    chatNotice: 'The tokenizer has no chat template: chats are written as "User: … Assistant: …" (template plain).',
  };
}

async function findTemplate(name: string, tokenizer: Tokenizer, folder: string): Promise<ChatTemplate> {
  const own = tokenizer.chatTemplates.get(name);
  if (own !== undefined) return new ChatTemplate(name, own, tokenizer);
  const built = build(name, tokenizer);
  if (built !== null) return built;
  if (/\.(jinja2?|j2)$/.test(name)) {
    const source = await readText(resolve(folder, name)).catch((error: Error) => {
      throw errors.templateBroken({ name, problem: error.message });
    });
    return new ChatTemplate(name, source, tokenizer);
  }
  const known = ['auto', 'none', ...tokenizer.chatTemplates.keys(), ...namedTemplates.map((template) => template.name)];
  throw errors.unknownTemplate({ name, near: nearest(name, known) });
}

function build(name: string, tokenizer: Tokenizer): ChatTemplate | null {
  const template = namedTemplates.find((each) => each.name === name);
  return template === undefined ? null : new ChatTemplate(name, namedSource(template, tokenizer.addsBos), tokenizer);
}

/** Marks that are special tokens wherever they are used. */
const specialMark = /<\|[^|<>\s]+\|>|<｜[^｜<>]+｜>|<(?:start|end)_of_turn>/g;

const user = { role: 'user', content: 'u' } as const;
const assistant = { role: 'assistant', content: 'a' } as const;
const system = { role: 'system', content: 's' } as const;

/** Small chats of which a template that is strict about its turns takes one or another. */
const probes: readonly (readonly Message[])[] = [
  [user, assistant, user],
  [system, user, assistant, user],
  [user],
  [system, user],
  [user, assistant],
  [system, user, assistant],
];

/** The first small chat that the template writes; null: it refuses them all, which says nothing about the user's rows. */
export function renderProbe(chat: ChatTemplate, addGenerationPrompt: boolean): string | null {
  const fitting = addGenerationPrompt ? probes : probes.filter((probe) => probe.at(-1) === assistant);
  for (const probe of fitting) {
    try {
      return chat.render(probe, { addGenerationPrompt });
    } catch (error) {
      if (!(error instanceof RowProblem)) throw error;
    }
  }
  return null;
}

/** Special tokens that the template writes around a chat but the tokenizer would break into pieces. */
export function missingTokens(chat: ChatTemplate, tokenizer: Tokenizer): string[] {
  const text = renderProbe(chat, true) ?? '';
  const marks = [...new Set(text.match(specialMark) ?? [])];
  const missing = marks.filter((mark) => !isPlainText(chat, mark) && !tokenizer.isOneToken(mark));
  const needsEos = /\beos_token\b/.test(chat.source) && tokenizer.eos === null && chat.name !== 'plain';
  return needsEos ? [...missing, 'eos_token'] : missing;
}

/** Zephyr's role marks were never special tokens: its layout writes them as text on purpose. */
const isPlainText = (chat: ChatTemplate, mark: string) =>
  chat.name === 'zephyr' && /^<\|(user|assistant|system)\|>$/.test(mark);

function checkFit(chat: ChatTemplate, tokenizer: Tokenizer): void {
  const missing = missingTokens(chat, tokenizer);
  if (missing.length === 0) return;
  const own = chat.name !== 'auto' && tokenizer.chatTemplates.size > 0 ? ['auto'] : [];
  const others = namedTemplates
    .map((template) => build(template.name, tokenizer)!)
    .filter((candidate) => candidate.name !== chat.name && missingTokens(candidate, tokenizer).length === 0)
    .map((candidate) => candidate.name);
  throw errors.templateMismatch({
    template: chat.name,
    missing,
    tokenizer: tokenizer.folder,
    fitting: [...own, ...others],
  });
}
