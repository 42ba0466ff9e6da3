// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Config and tokenizer (WordPiece over letters, as BERT's) of a sentence encoder of a few thousand weights. */
export function writeTinyEncoder(folder: string): void {
  const letters = [...'abcdefghijklmnopqrstuvwxyz0123456789'];
  const signs = [...'.,;:!?\'"()-/%&+$€@#*=_'];
  const tokens = [
    '[PAD]',
    '[UNK]',
    '[CLS]',
    '[SEP]',
    '[MASK]',
    ...letters,
    ...letters.map((each) => `##${each}`),
    ...signs,
  ];
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const special = (content: string) => ({ id: vocab[content], content, special: true, normalized: false });
  const ends = {
    '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
    '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
  };
  const [begin, sequence, end] = [
    { SpecialToken: { id: '[CLS]', type_id: 0 } },
    { Sequence: { id: 'A', type_id: 0 } },
    { SpecialToken: { id: '[SEP]', type_id: 0 } },
  ];
  const files = {
    'tokenizer.json': {
      version: '1.0',
      added_tokens: tokens.slice(0, 5).map(special),
      normalizer: {
        type: 'BertNormalizer',
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: null,
        lowercase: true,
      },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      post_processor: {
        type: 'TemplateProcessing',
        single: [begin, sequence, end],
        pair: [begin, sequence, end],
        special_tokens: ends,
      },
      decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
      model: {
        type: 'WordPiece',
        unk_token: '[UNK]',
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
        vocab,
      },
    },
    'tokenizer_config.json': {
      tokenizer_class: 'BertTokenizer',
      cls_token: '[CLS]',
      sep_token: '[SEP]',
      pad_token: '[PAD]',
      unk_token: '[UNK]',
      mask_token: '[MASK]',
      model_max_length: 512,
    },
    'config.json': {
      architectures: ['BertModel'],
      model_type: 'bert',
      vocab_size: tokens.length,
      hidden_size: 32,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      intermediate_size: 64,
      max_position_embeddings: 256,
      type_vocab_size: 2,
      pad_token_id: 0,
    },
  };
  mkdirSync(folder, { recursive: true });
  for (const [name, value] of Object.entries(files)) writeFileSync(join(folder, name), JSON.stringify(value));
}
