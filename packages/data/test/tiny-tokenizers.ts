// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of its own below the system's temporary one. */
export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'llmf-data-test-'));

export interface TinyOptions {
  readonly specials?: readonly string[];
  readonly config?: Record<string, unknown> | null;
  readonly chatTemplate?: string;
  readonly folder?: string;
}

const chatmlSource =
  "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}" +
  '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}';

/**
 * GPT-2's kind: every byte is a token, a few words are merged; <|im_start|>, <|im_end|> (eos) and <|end|> are special.
 * Ids: 0–255 bytes, then merges, then specials.
 */
export function byteTokenizer({
  specials,
  config,
  chatTemplate,
  folder = temporaryFolder(),
}: TinyOptions = {}): string {
  const merges = ['t h', 'th e', 'Ġ the', 'a n', 'an d'];
  const pieces = [...byteCharacters(), ...merges.map((merge) => merge.replace(' ', ''))];
  const names = specials ?? ['<|im_start|>', '<|im_end|>', '<|end|>'];
  write(folder, 'tokenizer.json', {
    version: '1.0',
    added_tokens: names.map((content, at) => special(pieces.length + at, content)),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    model: { type: 'BPE', vocab: vocabulary(pieces), merges, unk_token: null, byte_fallback: false },
  });
  if (config !== null) {
    const eos = names.includes('<|im_end|>') ? '<|im_end|>' : (names[0] ?? null);
    write(folder, 'tokenizer_config.json', {
      bos_token: null,
      eos_token: eos,
      ...(chatTemplate !== undefined && { chat_template: chatTemplate }),
      ...config,
    });
  }
  return folder;
}

/** ChatML with its own template, as Qwen ships one. */
export const chatmlTokenizer = (options: TinyOptions = {}): string =>
  byteTokenizer({ chatTemplate: chatmlSource, ...options });

/** Llama 2's kind: a space is put before every text, unknown characters are bytes, <s> begins every text. */
export function llamaTokenizer({ config, chatTemplate, folder = temporaryFolder() }: TinyOptions = {}): string {
  const letters = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,:!?[]/<>'];
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const pieces = ['<unk>', '<s>', '</s>', ...bytes, '▁', ...letters, 'he', '▁t', '▁the'];
  write(folder, 'tokenizer.json', {
    version: '1.0',
    added_tokens: ['<unk>', '<s>', '</s>'].map((content, id) => special(id, content)),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE',
      vocab: vocabulary(pieces),
      merges: ['h e', '▁ t', '▁t he'],
      unk_token: '<unk>',
      fuse_unk: true,
      byte_fallback: true,
    },
  });
  if (config !== null) {
    write(folder, 'tokenizer_config.json', {
      bos_token: '<s>',
      eos_token: '</s>',
      unk_token: '<unk>',
      add_bos_token: true,
      ...(chatTemplate !== undefined && { chat_template: chatTemplate }),
      ...config,
    });
  }
  return folder;
}

export function write(folder: string, name: string, value: unknown): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value));
  return path;
}

const vocabulary = (pieces: readonly string[]) => Object.fromEntries(pieces.map((piece, id) => [piece, id]));

const special = (id: number, content: string) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
});

/** GPT-2's printable stand-ins for the 256 bytes: printable Latin-1 stands for itself, the others follow from U+0100. */
function byteCharacters(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCharCode(isPrintable ? byte : next++);
  });
}
