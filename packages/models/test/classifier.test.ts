// SPDX-License-Identifier: Apache-2.0
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readSafetensors, type HostTensor } from '@llmf/core';
import { AttachedHead, savedLora, tf, type ActiveAdapter, type Model, type SavedHeads } from '@llmf/nn';
import { afterAll, describe, expect, it } from 'vitest';
import {
  contextOf,
  find,
  fixture,
  fixturesFolder,
  largestDifference,
  loader,
  packed,
  scratchFolder,
} from './fixture.js';

const scratch = scratchFolder();
afterAll(() => scratch.remove());

/** Written by oracles/models/classifiers.py. */
const classifier = (name: string, ...parts: string[]) =>
  resolve(fixturesFolder, '../classifier-fixtures', name, ...parts);
const jsonOf = <T>(...parts: string[]) => JSON.parse(readFileSync(join(...parts), 'utf8')) as T;
interface Expected {
  readonly ids: readonly (readonly number[])[];
  readonly logits: readonly (readonly number[])[];
  readonly adapterLogits: readonly (readonly number[])[];
}
const expectedOf = (name: string) => jsonOf<Expected>(classifier(name), 'expected.json');
const load = (folder: string, withoutHead = false) =>
  loader.load(folder, { isTrainable: () => true, find, withoutHead });
const attached = (saved: SavedHeads, { hiddenSize }: Model) =>
  saved.heads.map((head) => AttachedHead.load(head, hiddenSize, saved));

/** Scores at the last token of each sequence that is no padding. */
function scores(model: Model, head: AttachedHead, name: string, adapter: ActiveAdapter | null = null): number[] {
  const { pad_token_id: padding } = model.config as { pad_token_id?: number };
  return expectedOf(name).ids.flatMap((ids) => {
    const row = packed([Int32Array.from(ids)]);
    const last = ids.findLastIndex((id) => id !== padding);
    const score = tf.tidy(() =>
      head.forward(tf.slice(model.forward(model.embed(row.ids), contextOf(row, { adapter })), [last, 0], [1, -1])),
    );
    const values = [...score.dataSync()];
    score.dispose();
    return values;
  });
}

describe.each([
  ['llama', 'LlamaForSequenceClassification', 1],
  ['gpt2', 'GPT2ForSequenceClassification', 3],
] as const)('a sequence classifier that Transformers wrote: %s', (name, className, labels) => {
  const { logits, adapterLogits } = expectedOf(name);

  it('gives the logits of Transformers', async () => {
    const model = await load(classifier(name));
    const saved = (await loader.heads(classifier(name)))!;
    const [head] = attached(saved, model);
    expect(head!.head).toMatchObject({ name: 'score', outputs: labels, at: 'last', replacesLanguageModel: true });
    expect(largestDifference(scores(model, head!, name), logits.flat())).toBeLessThan(1e-5);
    expect(() => model.head).toThrow('LLMF_MODELS_NO_LANGUAGE_HEAD');
    expect([...model.parameters.keys()].filter((each) => each.startsWith('lm_head'))).toEqual([]);
    head!.dispose();
    model.dispose();
  });

  it('is saved as one, with its labels, and loads to the same scores', async () => {
    const source = classifier(name);
    const model = await load(source);
    const heads = attached((await loader.heads(source))!, model);
    const folder = join(scratch.path, name);
    await loader.save(model, folder, { source, dtype: 'auto', heads });
    const config = jsonOf<Record<string, unknown>>(folder, 'config.json');
    const given = jsonOf<Record<string, unknown>>(source, 'config.json');
    expect(config).toMatchObject({ architectures: [className], num_labels: labels, id2label: given['id2label'] });
    expect(Object.keys(await readSafetensors(join(folder, 'model.safetensors')))).toContain('score.weight');
    const again = await load(folder);
    const [head] = attached((await loader.heads(folder))!, again);
    expect(scores(again, head!, name)).toEqual(scores(model, heads[0]!, name));
  });

  it('is made of a language model, whose own head is left out', async () => {
    const source = fixture(name);
    const model = await load(source, true);
    const head = AttachedHead.create({ name: 'score', outputs: labels, at: 'last', replacesLanguageModel: true }, 32, {
      seed: 1,
      stream: 'head',
      step: 0,
      microbatch: 0,
    });
    const folder = join(scratch.path, `${name}-new`);
    await loader.save(model, folder, { source, dtype: 'auto', heads: [head] });
    const tensors = await readSafetensors(join(folder, 'model.safetensors'));
    expect('lm_head.weight' in tensors).toBe(false);
    expect(tensors['score.weight']!.shape).toEqual([labels, 32]);
    expect(jsonOf(folder, 'config.json')).toMatchObject({ architectures: [className] });
    const again = await load(folder);
    expect(again.parameters.size).toBe(model.parameters.size);
  });

  it('as an adapter gives the logits of PEFT, and is saved in its layout', async () => {
    const source = fixture(name);
    const model = await load(source);
    const adapter = await savedLora(model, classifier(name, 'adapter'), '--adapter');
    const heads = attached(adapter.heads!, model);
    expect(largestDifference(scores(model, heads[0]!, name, adapter), adapterLogits.flat())).toBeLessThan(1e-4);
    const folder = join(scratch.path, `${name}-adapter`);
    await loader.saveAdapter(adapter, folder, { source, heads });
    const theirs = await readSafetensors(classifier(name, 'adapter', 'adapter_model.safetensors'));
    expect(await readSafetensors(join(folder, 'adapter_model.safetensors'))).toEqual(theirs);
    expect(jsonOf(folder, 'adapter_config.json')).toMatchObject({
      task_type: 'SEQ_CLS',
      modules_to_save: ['classifier', 'score'],
    });
  });
});

describe('heads beside a language model', () => {
  const value = { name: 'v_head', outputs: 1, at: 'token', bias: true, hidden: [8] } as const;
  const key = { seed: 2, stream: 'head', step: 0, microbatch: 0 };

  it('are saved in a file of their own with a model and with an adapter, and read back', async () => {
    const source = fixture('llama');
    const model = await load(source);
    const head = AttachedHead.create(value, model.hiddenSize, key);
    const [whole, beside] = [join(scratch.path, 'whole'), join(scratch.path, 'beside')];
    await loader.save(model, whole, { source, dtype: 'auto', heads: [head] });
    const adapter = await savedLora(model, fixture('llama', 'adapter'), '--adapter');
    await loader.saveAdapter(adapter, beside, { source, heads: [head] });
    const again = await savedLora(model, beside, '--adapter');
    for (const saved of [await loader.heads(whole), again.heads!]) {
      expect(saved!.heads).toEqual([value]);
      expect(valuesOf(attached(saved!, model)[0]!)).toEqual(valuesOf(head));
    }
    expect((await load(whole)).head.weight.shape).toEqual([97, 32]); // a language model as before
  });

  const valuesOf = ({ variables }: AttachedHead) => [...variables].map(([name, each]) => [name, [...each.dataSync()]]);
});

describe('a classifier’s folder that does not fit', () => {
  const broken = (name: string, change: (config: Record<string, unknown>) => void) => {
    const folder = join(scratch.path, name);
    mkdirSync(folder);
    cpSync(classifier('gpt2'), folder, { recursive: true });
    const config = jsonOf<Record<string, unknown>>(folder, 'config.json');
    change(config);
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
    return folder;
  };

  it('is refused where config and head count other labels', async () => {
    const folder = broken('labels', (config) => (config['id2label'] = { 0: 'a', 1: 'b' }));
    await expect(loader.heads(folder)).rejects.toThrow(/LLMF_MODELS_CLASSIFIER_HEAD[^]*2 rows/);
  });

  it('is refused as a language model', async () => {
    const folder = broken('language', (config) => (config['architectures'] = ['GPT2LMHeadModel']));
    await expect(load(folder)).rejects.toThrow(/LLMF_MODELS_WEIGHT_UNEXPECTED[^]*score.weight/);
  });

  it('is refused where another head is asked of it', async () => {
    const saved = (await loader.heads(classifier('gpt2')))!;
    expect(() => AttachedHead.load({ name: 'score', outputs: 1, at: 'last' }, 16, saved)).toThrow(
      'LLMF_NN_HEAD_WEIGHT',
    );
  });

  it('is refused where a module that is trained whole has another shape', async () => {
    const model = await load(fixture('llama'));
    const folder = join(scratch.path, 'module');
    cpSync(classifier('llama', 'adapter'), folder, { recursive: true });
    const file = join(folder, 'adapter_model.safetensors');
    const tensors: Record<string, HostTensor> = await readSafetensors(file);
    const { writeSafetensors } = await import('@llmf/core');
    await writeSafetensors(file, {
      ...tensors,
      'base_model.model.model.norm.weight': tensors['base_model.model.score.weight']!,
    });
    await expect(savedLora(model, folder, '--adapter')).rejects.toThrow(
      /LLMF_NN_ADAPTER_FILE[^]*norm\.weight is \[1,32\][^]*expected: \[32\]/,
    );
  });
});
