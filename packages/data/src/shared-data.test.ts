// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { StandardRowKind } from '@llmf/training';
import { testData } from '@llmf/testkit';
import golden from '../fixtures/chat-templates.json' with { type: 'json' };
import { fakeRun } from '../test/fake-run.js';
import { byteTokenizer, chatmlTokenizer, temporaryFolder } from '../test/tiny-tokenizers.js';
import { renderChat } from './encode/segments.js';
import { ExampleTransformToken } from './extension-points.js';
import type { Message } from './formats/example.js';
import { openData } from './service.js';
import { ChatTemplate } from './templates/chat-template.js';
import { Tokenizer } from './tokenizer.js';

const qwen2 = testData('tokenizers', 'qwen2');
const demo = testData('llamafactory');
const tokenizers = testData('tokenizers');
// Real files and vocabularies are optional: LLMF_TEST_DATA, or shared/data beside the checkout.
const withData = qwen2 !== null && demo !== null ? describe : describe.skip;

withData('real files (optional test data)', () => {
  const folder = temporaryFolder();
  // Counting rows needs no large vocabulary; the tiny one is faster by far.
  const tiny = chatmlTokenizer();
  const open = async (
    entry: Record<string, unknown>,
    rows: StandardRowKind,
    section: Record<string, unknown> = {},
    model: string | null = tiny,
  ) => {
    const run = fakeRun(folder, { train: [entry], maxLength: 1_000_000, ...section }, model);
    run.container.register(ExampleTransformToken, { name: 'eyes', version: '1', fitsMedia: true, apply: (row) => row });
    const data = await openData(run, { rows });
    await data.train.close();
    return data.train;
  };
  const file = (name: string) => ({ path: `${demo}/${name}` });

  it.each([
    ['dpo_en_demo.json', 'pair', 300],
    ['v1_dpo_demo.jsonl', 'pair', 10],
    ['alpaca_en_demo.json', 'single', 999],
    ['identity.json', 'single', 91],
    ['glaive_toolcall_en_demo.json', 'single', 300],
    ['v1_sft_demo.jsonl', 'single', 500],
    ['v1_multimodal_demo.jsonl', 'single', 24],
    ['reason_tool_use_demo_50.jsonl', 'single', 50],
    ['mllm_demo.json', 'single', 6],
    ['kto_en_demo.json', 'labelled', 300],
    ['c4_demo.jsonl', 'text', 300],
    ['wiki_demo.txt', 'text', 30],
  ] as const)('%s gives its %s rows, every one of them', async (name, rows, count) => {
    const train = await open(file(name), rows);
    expect(train.dropped).toEqual([]);
    expect(train.length).toBe(count);
  });

  it.each([
    ['dpo_en_demo', 'pair'],
    ['kto_en_demo', 'labelled'],
    ['c4_demo', 'text'],
    ['wiki_demo', 'text'],
    ['glaive_toolcall_en_demo', 'single'],
    ['mllm_demo', 'single'],
  ] as const)('knows %s by dataset_info.json', async (dataset, rows) => {
    const infoFile = `${demo}/dataset_info.json`;
    expect((await open({ dataset, infoFile }, rows, { maxSamples: 5 })).length).toBe(5);
  });

  it('has the published ids of Qwen 2', async () => {
    const tokenizer = await loadOnce(qwen2!);
    expect(tokenizer.encode('Hello, world!')).toEqual([9707, 11, 1879, 0]);
    expect(tokenizer.encode('<|im_start|>')).toEqual([151644]);
    expect(tokenizer.eos).toEqual({ id: 151645, text: '<|im_end|>' });
  });
});

const loaded = new Map<string, Promise<Tokenizer>>();
const loadOnce = (folder: string) => loaded.get(folder) ?? loaded.set(folder, Tokenizer.load(folder)).get(folder)!;

interface GoldenEncodings {
  readonly texts: readonly string[];
  readonly encodings: Readonly<
    Record<string, readonly { readonly ids: readonly number[]; readonly decoded: string }[]>
  >;
}

const reference = testData('tokenizers', 'golden-encodings', 'hf_tokenizers_reference.json');
const goldenEncodings: GoldenEncodings =
  reference === null ? { texts: [], encodings: {} } : (JSON.parse(readFileSync(reference, 'utf8')) as GoldenEncodings);

(reference === null ? describe.skip : describe)('ids of the Rust tokenizers (optional test data)', () => {
  const folderOf = (name: string) => testData('tokenizers', name) ?? testData('weights', name);
  const names = Object.keys(goldenEncodings.encodings).filter((name) => folderOf(name) !== null);

  it('covers nine tokenizers', () => expect(names.length).toBeGreaterThanOrEqual(9));

  it.each(names)('%s', async (name) => {
    const folder = folderOf(name)!;
    const tokenizer = await loadOnce(folder);
    const different = goldenEncodings.texts.filter(
      (text, at) => tokenizer.encode(text).join() !== goldenEncodings.encodings[name]![at]!.ids.join(),
    );
    expect(different).toEqual([]);
  });
});

const swift = testData('tokenizers', 'golden-encodings');

/** A French article, as the authors of three tokenizers' ports wrote down its tokens. */
(swift === null ? describe.skip : describe)('ids of another port (optional test data)', () => {
  it.each([
    ['gpt2_encoded_tokens.json', 'gpt2', 0],
    ['llama_encoded.json', 'llama2', 1], // the token that begins a text, which `encode` leaves to its caller
    ['t5_base_encoded.json', 't5-small', 0],
  ])('%s', async (file, name, first) => {
    const { text, token_ids: written } = JSON.parse(readFileSync(`${swift}/${file}`, 'utf8')) as {
      readonly text: string;
      readonly token_ids: readonly number[];
    };
    const tokenizer = await loadOnce(testData('tokenizers', name)!);
    const ends = name === 't5-small' && written.at(-1) === 1 ? -1 : undefined; // its `</s>`
    expect(written.length).toBeGreaterThan(150);
    expect(tokenizer.encode(text)).toEqual(written.slice(first, ends));
  });
});

interface GoldenChat {
  readonly chat: string;
  readonly messages: readonly Record<string, unknown>[];
  readonly tools: readonly unknown[] | null;
  readonly whole: string;
  readonly prompt: string;
  readonly wholeIds?: readonly number[];
  readonly promptIds?: readonly number[];
}

(tokenizers === null ? describe.skip : describe)(
  'chat templates of real models, as Transformers renders them (optional test data)',
  () => {
    const chats = Object.entries(golden as Record<string, readonly GoldenChat[]>).flatMap(([name, entries]) =>
      entries.map((entry) => [name, entry.chat, entry] as const),
    );

    it('covers 27 chats of 6 models', () => expect(chats).toHaveLength(27));

    it.each(chats)('%s: %s', async (name, _, entry) => {
      const folder = testData('tokenizers', name)!;
      const hasVocabulary = entry.wholeIds !== undefined;
      const tokenizer = await (hasVocabulary ? loadOnce(folder) : Tokenizer.load(bareTokenizer(folder)));
      const { chat_template: source } = JSON.parse(readFileSync(`${folder}/tokenizer_config.json`, 'utf8')) as {
        chat_template: string;
      };
      const template = new ChatTemplate(name, source, tokenizer);
      const messages = entry.messages.map(canonical);
      const tools = entry.tools ?? undefined;
      expect(template.render(messages, { addGenerationPrompt: false, tools })).toBe(entry.whole);
      expect(template.render(messages.slice(0, -1), { addGenerationPrompt: true, tools })).toBe(entry.prompt);
      const rendered = renderChat(template, {
        context: messages.slice(0, -1),
        answers: [messages.slice(-1)],
        tools,
        learns: () => true,
        tokens: tokenizer,
      });
      expect(entry.whole.startsWith(rendered.prompt + rendered.answers[0]!.map(({ text }) => text).join(''))).toBe(
        true,
      );
      if (!hasVocabulary) return;
      expect(tokenizer.encode(entry.whole)).toEqual(entry.wholeIds);
      expect(tokenizer.encode(entry.prompt)).toEqual(entry.promptIds);
    });
  },
);

/** The special tokens of a folder without a vocabulary, on the tiny one. */
function bareTokenizer(folder: string): string {
  const config = JSON.parse(readFileSync(`${folder}/tokenizer_config.json`, 'utf8')) as Record<string, unknown>;
  const specials = ['<|im_start|>', '<|im_end|>', '<|begin_of_text|>', '<|eot_id|>'];
  return byteTokenizer({ config: { bos_token: config['bos_token'], eos_token: config['eos_token'] }, specials });
}

function canonical(message: Record<string, unknown>): Message {
  const calls = message['tool_calls'] as { function: { name: string; arguments: unknown } }[] | undefined;
  return {
    role: message['role'] as Message['role'],
    content: message['content'] as string,
    ...(calls !== undefined && { toolCalls: calls.map((call) => call.function) }),
  };
}
