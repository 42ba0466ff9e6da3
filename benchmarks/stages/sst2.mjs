// SPDX-License-Identifier: Apache-2.0
// A small bert, hidden words first and then the moods of film reviews (SST-2): llmf, and Transformers from the same weights,
// on the same rows, with the same steps, batches, rates and seeds. Prints each one's accuracy on the held-out sentences.
//
//   node benchmarks/stages/sst2.mjs --data FOLDER --output FOLDER [--python PATH] [--seeds 1,2,3] [--systems llmf,transformers]
//        [--epochs 12,4]
//
// FOLDER holds sst2/{train,dev}.tsv and imdb/imdb_sample.csv. What is in --output already is not made again.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { architectures, initModel } from '@llmf/models';
import { readReviewSets } from '../online/review-sets.mjs';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    output: { type: 'string' },
    python: { type: 'string', default: process.env.LLMF_PEERS_PYTHON ?? 'python3' },
    seeds: { type: 'string', default: '1,2,3' },
    systems: { type: 'string', default: 'llmf,transformers' },
    threads: { type: 'string', default: '1' },
    epochs: { type: 'string', default: '12,4' }, // of hidden words, of classes
  },
});
if (options.data === undefined || options.output === undefined) throw new Error('--data and --output are needed.');
const output = resolve(options.output);
const at = (...parts) => join(output, ...parts);
const command = resolve(import.meta.dirname, '..', '..', 'packages', 'cli', 'bin', 'llmf.js');

const [maskedEpochs, classEpochs] = options.epochs.split(',').map(Number);

/** Of both systems. Rates rise over the first tenth and fall to 0 on a line. */
const recipe = {
  batchSize: 32,
  maxLength: 64,
  masked: { epochs: maskedEpochs, learningRate: 1e-3 },
  classes: { epochs: classEpochs, learningRate: 5e-4 },
  warmupRatio: 0.1,
  weightDecay: 0.01,
};

mkdirSync(output, { recursive: true });
await writeInputs();
for (const seed of options.seeds.split(',').map(Number)) {
  for (const system of options.systems.split(',')) {
    const result = at(`${system}-${seed}.json`);
    if (!existsSync(result)) {
      const found = system === 'llmf' ? trainHere(seed) : trainThere(seed);
      writeFileSync(result, JSON.stringify({ system, seed, ...found }));
    }
    console.log(readFileSync(result, 'utf8'));
  }
}

/** Rows, tokenizer and the weights that all begin with. */
async function writeInputs() {
  if (existsSync(at('model', 'config.json'))) return;
  const read = (name) =>
    readFileSync(join(options.data, 'sst2', `${name}.tsv`), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split('\t'))
      .map(([text, label]) => ({ text, label: label.trim() === '1' ? 'good' : 'bad' }));
  const [learned, heldOut] = [read('train'), read('dev')];
  const more = readReviewSets(options.data)
    .plain.filter((text) => text.split(' ').length <= 60)
    .slice(-1000);
  const texts = [...learned.map(({ text }) => text), ...more];
  const lines = (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  writeFileSync(at('texts.jsonl'), lines(texts.map((text) => ({ text }))));
  writeFileSync(at('train.jsonl'), lines(learned));
  writeFileSync(at('held-out.jsonl'), lines(heldOut));
  const vocabulary = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', ...frequentWords(texts, 8000)];
  mkdirSync(at('tokenizer'), { recursive: true });
  writeFileSync(at('tokenizer', 'tokenizer.json'), JSON.stringify(tokenizerOf(vocabulary)));
  const names = {
    pad_token: '[PAD]',
    unk_token: '[UNK]',
    cls_token: '[CLS]',
    sep_token: '[SEP]',
    mask_token: '[MASK]',
  };
  const settings = { tokenizer_class: 'PreTrainedTokenizerFast', model_max_length: 128, ...names };
  writeFileSync(at('tokenizer', 'tokenizer_config.json'), JSON.stringify(settings));
  const config = {
    architectures: ['BertForMaskedLM'],
    model_type: 'bert',
    vocab_size: vocabulary.length,
    hidden_size: 128,
    intermediate_size: 256,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    max_position_embeddings: 128,
    pad_token_id: 0,
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
  };
  const find = (modelType) => architectures.find(({ name }) => name === modelType);
  await initModel(at('model'), { config, tokenizerFolder: at('tokenizer'), seed: 0, dtype: 'F32', find });
}

function frequentWords(texts, limit) {
  const counts = new Map();
  for (const word of texts.flatMap((text) => text.toLowerCase().split(/\s+/))) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts]
    .filter(([word, count]) => count >= 2 && word !== '')
    .sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([word]) => word);
}

function tokenizerOf(vocabulary) {
  const special = (content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const piece = (id) => ({ SpecialToken: { id, type_id: 0 } });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: vocabulary.slice(0, 5).map(special),
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: { type: 'WhitespaceSplit' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [piece('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, piece('[SEP]')],
      pair: [
        piece('[CLS]'),
        { Sequence: { id: 'A', type_id: 0 } },
        piece('[SEP]'),
        { Sequence: { id: 'B', type_id: 1 } },
      ],
      special_tokens: Object.fromEntries(
        ['[CLS]', '[SEP]'].map((token) => [token, { id: token, ids: [vocabulary.indexOf(token)], tokens: [token] }]),
      ),
    },
    decoder: null,
    model: {
      type: 'WordLevel',
      unk_token: '[UNK]',
      vocab: Object.fromEntries(vocabulary.map((word, id) => [word, id])),
    },
  };
}

function trainHere(seed) {
  const began = performance.now();
  const run = (stage, model, part, data, more = []) => {
    const { epochs, learningRate } = recipe[part];
    const words = [
      'train',
      `stage=${stage}`,
      `model.path=${model}`,
      'adapter=none',
      `output=llmf-${seed}-${part}`,
      `data.train=[{ path: ${data} }]`,
      `data.maxLength=${recipe.maxLength}`,
      `backend={ name: cpu, precision: f32, threads: ${options.threads} }`,
      `train.batchSize=${recipe.batchSize}`,
      'train.gradientAccumulation=1',
      `train.epochs=${epochs}`,
      `train.learningRate=${learningRate}`,
      'train.schedule=linear',
      `train.warmupRatio=${recipe.warmupRatio}`,
      `train.weightDecay=${recipe.weightDecay}`,
      `train.seed=${seed}`,
      ...more,
    ];
    const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...words], {
      cwd: output,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    if (status !== 0)
      throw new Error(`llmf ended with status ${status}:\n${stdout.slice(-1500)}\n${stderr.slice(-1500)}`);
  };
  run('masked', 'model', 'masked', 'texts.jsonl');
  run('classification', `llmf-${seed}-masked`, 'classes', 'train.jsonl', ['data.eval=[{ path: held-out.jsonl }]']);
  const metrics = readFileSync(at(`llmf-${seed}-classes`, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map(JSON.parse);
  const last = metrics.findLast((row) => 'eval_accuracy' in row);
  return { accuracy: last.eval_accuracy, seconds: (performance.now() - began) / 1000 };
}

function trainThere(seed) {
  const script = join(import.meta.dirname, 'sst2_transformers.py');
  const words = [
    script,
    output,
    '--seed',
    String(seed),
    '--threads',
    options.threads,
    '--recipe',
    JSON.stringify(recipe),
  ];
  const { status, stdout, stderr } = spawnSync(options.python, words, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${options.python} ended with status ${status}:\n${stderr.slice(-2000)}`);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}
