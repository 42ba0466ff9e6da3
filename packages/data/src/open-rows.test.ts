// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { byteTokenizer, chatmlTokenizer, llamaTokenizer, temporaryFolder, write } from '../test/tiny-tokenizers.js';
import { openRows } from './open-rows.js';
import { encodePrompt, stopTokens } from './prompt.js';
import { chooseTemplate } from './templates/choose.js';
import { Tokenizer } from './tokenizer.js';

describe('openRows', () => {
  it('gives pairs and single rows of one file uncut, with their numbers, and leaves nothing behind', async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('llmf-rows-')).length;
    const folder = temporaryFolder();
    write(
      folder,
      'rows.jsonl',
      '{"prompt": "the cat", "response": " sat"}\n{"prompt": "the cat", "response": ""}\n{"prompt": "a", "response": "b"}\n',
    );
    const { rows, tokenizer } = await openRows({
      source: { path: 'rows.jsonl' },
      folder,
      tokenizerFolder: byteTokenizer(),
      template: 'none',
    });
    expect(rows.length).toBe(2);
    const [first, second] = await rows.rows([0, 1]);
    expect(tokenizer!.decode(first!.responses[0]!.ids)).toBe(' sat');
    expect(second!.responses[0]!.role).toBe('response');
    expect(rows.placeOf(1)).toEqual({ source: 'rows.jsonl', row: 3 });
    expect(rows.dropped).toMatchObject([{ row: 2, reason: 'column response is an empty answer' }]);
    await rows.close();
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('llmf-rows-'))).toHaveLength(before);
  });

  it('reads token ids with media where the folder has no tokenizer', async () => {
    const folder = temporaryFolder();
    write(folder, 'ids.jsonl', '{"promptIds": [5, 6], "responseIds": [7], "images": ["a.jpg"]}');
    const { rows, tokenizer } = await openRows({
      source: { path: 'ids.jsonl' },
      folder,
      tokenizerFolder: folder,
      template: 'auto',
      transforms: [{ name: 'eyes', version: '1', fitsMedia: true, apply: (example) => example }],
    });
    expect(tokenizer).toBeNull();
    expect((await rows.rows([0]))[0]).toMatchObject({ media: [{ kind: 'image', value: 'a.jpg', folder }] });
    await rows.close();
  });
});

describe('encodePrompt', () => {
  const ids = async (folder: string, template: string, prompt: Parameters<typeof encodePrompt>[2]) => {
    const tokenizer = await Tokenizer.load(folder);
    const chosen = await chooseTemplate(template, tokenizer, '/');
    const encoded = encodePrompt(tokenizer, chosen, prompt);
    return {
      text: tokenizer.decode(encoded),
      encoded,
      stops: stopTokens(tokenizer, chosen).map((id) => tokenizer.tokenText(id)),
    };
  };

  it('writes a chat with its generation prompt, and stops at the end of a turn', async () => {
    const { text, stops } = await ids(chatmlTokenizer({ config: { eos_token: '<|end|>' } }), 'auto', 'Hi');
    expect(text).toBe('<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n');
    expect(stops).toEqual(['<|end|>', '<|im_end|>']);
  });

  it('ends as the tokenizer ends a text where an encoder reads it', async () => {
    const tokenizer = await Tokenizer.load(byteTokenizer({ config: { add_eos_token: true } }));
    const chosen = await chooseTemplate('none', tokenizer, '/');
    const ids = encodePrompt(tokenizer, chosen, 'x', true);
    expect(ids).toEqual([...encodePrompt(tokenizer, chosen, 'x'), tokenizer.eos!.id]);
  });

  it('takes a text as it stands behind bos where there is no template', async () => {
    const { encoded, stops } = await ids(llamaTokenizer(), 'auto', 'the cat');
    expect(encoded[0]).toBe(1);
    expect(encoded.filter((id) => id === 1)).toHaveLength(1);
    expect(stops).toEqual(['</s>']);
    expect((await ids(byteTokenizer(), 'none', [{ role: 'user', content: 'x' }])).text).toBe('x');
  });
});
