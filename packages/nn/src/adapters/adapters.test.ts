// SPDX-License-Identifier: Apache-2.0
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSafetensors, writeSafetensors, type RandomKey } from '@llmf/core';
import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { grads } from '../autograd/grads.js';
import { valueAndGradients } from '../autograd/value-and-gradients.js';
import type { AttachedAdapter, LinearLayer, LowRank, Model, Parameter } from '../contracts/index.js';
import { linear } from '../ops/linear/linear.js';
import { tf } from '../tf.js';
import { freeze, lora, none } from './index.js';

const fixtures = fileURLToPath(new URL('../../fixtures/', import.meta.url));
const oracle = JSON.parse(readFileSync(join(fixtures, 'lora.json'), 'utf8')) as {
  path: string;
  scale: number;
} & Record<'weight' | 'x' | 'dy' | 'y' | 'dx' | 'dA' | 'dB', number[][]>;

const random: RandomKey = { seed: 1, stream: 'adapter', step: 0, microbatch: 0 };
const sizes: Record<string, [outputs: number, inputs: number]> = {
  'self_attn.q_proj': [8, 8],
  'self_attn.k_proj': [4, 8],
  'mlp.up_proj': [12, 8],
  'mlp.down_proj': [8, 12],
};
const blocks = ['model.layers.0', 'model.layers.1'];

/** As much of the fixture's tiny Llama as an adapter looks at. */
function model(): Model {
  const paths = blocks.flatMap((block) =>
    Object.keys(sizes).map((name) => [`${block}.${name}`, sizes[name]!] as const),
  );
  const weight = tf.zeros([1, 1]) as Tensor2D;
  const linears = new Map<string, LinearLayer>(
    paths.map(([path, [outputs, inputs]]) => [path, { path, outputs, inputs, weight, bias: null }]),
  );
  const names = ['model.embed_tokens.weight', ...paths.map(([path]) => `${path}.weight`), 'model.norm.weight'];
  const parameters = new Map(names.map((name) => [name, { name } as Parameter]));
  return { modelType: 'llama', config: {}, blocks, linears, parameters } as unknown as Model;
}

const attached: AttachedAdapter[] = [];
async function attach(given: Record<string, unknown>): Promise<AttachedAdapter> {
  const parsed = lora.options!.safeParse(given);
  if (!parsed.success) throw new Error(parsed.error.issues[0]!.message);
  const adapter = (await lora.attach(model(), parsed.data as Record<string, unknown>, random, fixtures))!;
  attached.push(adapter);
  return adapter;
}
afterEach(() => {
  for (const adapter of attached.splice(0)) adapter.dispose();
});

const layersOf = ({ variables }: AttachedAdapter) =>
  [...variables.keys()].filter((key) => key.endsWith('lora_A.weight')).map((key) => key.slice(17, -14));

describe('lora', () => {
  it('starts with rank 8, alpha 16, no dropout, on every linear layer, as an exact identity', async () => {
    const adapter = await attach({});
    expect(layersOf(adapter)).toEqual([...model().linears.keys()]);
    expect(adapter.isIdentity).toBe(true);
    const { a, b, scale, dropout } = adapter.lowRank('model.layers.1.mlp.down_proj')!;
    expect([a.shape, b.shape, scale, dropout]).toEqual([[8, 12], [8, 8], 2, 0]);
    expect(b.dataSync().every((value) => value === 0)).toBe(true);
    // Kaiming-uniform with a = √5 over 12 inputs: within ±1/√12, and spread over it.
    const values = [...a.dataSync()];
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(1 / Math.sqrt(12));
    expect(Math.max(...values)).toBeGreaterThan(0.24);
    expect(Math.min(...values)).toBeLessThan(-0.24);
  });

  it('scales by alpha/rank, alpha twice the rank when left out, and by alpha/√rank with rsLora', async () => {
    const scaleOf = async (options: Record<string, unknown>) =>
      (await attach(options)).lowRank('model.layers.0.mlp.up_proj')!.scale;
    expect(await scaleOf({ rank: 4 })).toBe(2);
    expect(await scaleOf({ rank: 4, alpha: 2 })).toBe(0.5);
    expect(await scaleOf({ rank: 4, alpha: 2, rsLora: true })).toBe(1);
  });

  it('draws A from the key and the layer: same key, same values', async () => {
    const draw = async () => [...(await attach({ rank: 2 })).lowRank('model.layers.0.self_attn.q_proj')!.a.dataSync()];
    expect(await draw()).toEqual(await draw());
    const adapter = await attach({ rank: 2 });
    expect([...adapter.lowRank('model.layers.1.self_attn.q_proj')!.a.dataSync()]).not.toEqual(await draw());
  });

  it.each([
    [
      'names',
      ['q_proj', 'mlp.up_proj'],
      ['layers.0.self_attn.q_proj', 'layers.0.mlp.up_proj', 'layers.1.self_attn.q_proj', 'layers.1.mlp.up_proj'],
    ],
    ['one name', 'down_proj', ['layers.0.mlp.down_proj', 'layers.1.mlp.down_proj']],
    ['a whole path', ['model.layers.1.mlp.up_proj'], ['layers.1.mlp.up_proj']],
    ['a pattern', '/layers\\.1\\..*(q|k)_proj/', ['layers.1.self_attn.q_proj', 'layers.1.self_attn.k_proj']],
  ])('adapts the layers meant by %s', async (_form, targets, expected) => {
    expect(layersOf(await attach({ targets }))).toEqual(expected.map((path) => `model.${path}`));
  });

  it('refuses a target the model lacks and lists its layers, nearest first', async () => {
    await expect(attach({ targets: ['q_proj', 'qproj'] })).rejects.toThrow(
      /LLMF_NN_UNKNOWN_TARGET: .*\n.*adapter\.targets\n {2}got: qproj\n {2}expected: all, a \/pattern\/, or some of: q_proj, k_proj/,
    );
  });

  it('refuses a broken pattern', async () => {
    await expect(attach({ targets: '/(/' })).rejects.toThrow(/LLMF_NN_BAD_PATTERN/);
  });

  it.each([{ rank: 0 }, { alpha: 0 }, { dropout: 1 }, { dropout: -0.1 }, { targets: [] }, { ranks: 8 }])(
    'refuses the options %j',
    (options) => expect(lora.options!.safeParse(options).success).toBe(false),
  );

  it('trains its own variables only', () => {
    expect(lora.trainsBase('model.embed_tokens.weight', blocks, {})).toBe(false);
  });

  it("writes PEFT's names and facts", async () => {
    const adapter = await attach({ rank: 4, alpha: 2, dropout: 0.1, rsLora: true, targets: ['q_proj'] });
    expect([...adapter.variables.keys()].slice(0, 2)).toEqual([
      'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight',
      'base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight',
    ]);
    expect(adapter.peftConfig).toMatchObject({
      peft_type: 'LORA',
      task_type: 'CAUSAL_LM',
      r: 4,
      lora_alpha: 2,
      lora_dropout: 0.1,
      use_rslora: true,
      bias: 'none',
      target_modules: ['q_proj'],
    });
    const one = await attach({ targets: ['model.layers.1.mlp.up_proj'] });
    expect(one.peftConfig['target_modules']).toEqual(['layers.1.mlp.up_proj']);
  });
});

describe('lora by module and block', () => {
  it('has the rank and alpha that a pattern gives, and says so in PEFT’s keys', async () => {
    const patterns = { rankPattern: { q_proj: 3 }, alphaPattern: { [String.raw`layers\.1\.mlp\.up_proj`]: 8 } };
    const adapter = await attach({ rank: 2, alpha: 4, ...patterns });
    const ofLayer = (path: string) => adapter.lowRank(`model.layers.${path}`)!;
    expect(ofLayer('0.self_attn.q_proj').a.shape[0]).toBe(3);
    expect(ofLayer('0.self_attn.q_proj').scale).toBeCloseTo(4 / 3, 6);
    expect(ofLayer('1.mlp.up_proj').scale).toBe(4); // 8 / 2
    expect(ofLayer('0.mlp.up_proj')).toMatchObject({ scale: 2 });
    expect(adapter.peftConfig).toMatchObject({
      rank_pattern: patterns.rankPattern,
      alpha_pattern: patterns.alphaPattern,
    });
  });

  it('changes only the blocks that are named', async () => {
    const adapter = await attach({ layers: [1] });
    expect(layersOf(adapter).length).toBeGreaterThan(0);
    expect(layersOf(adapter).every((path) => path.startsWith('model.layers.1.'))).toBe(true);
  });

  it.each([
    [{ layers: [0, 7] }, /LLMF_NN_UNKNOWN_BLOCK[^]*got: 7\n {2}expected: 0 to 1/],
    [{ rankPattern: { qproj: 2 } }, /LLMF_NN_UNKNOWN_TARGET[^]*got: qproj/],
    [{ targets: ['q_proj'], alphaPattern: { up_proj: 2 } }, /LLMF_NN_UNKNOWN_TARGET/],
    [{ rankPattern: { '(': 2 } }, /LLMF_NN_BAD_PATTERN: adapter\.rankPattern is not/],
    [{ path: 'peft-lora', layers: [0] }, /LLMF_NN_ADAPTER_OPTION/],
  ])('refuses %j', async (options, message) => {
    await expect(attach(options)).rejects.toThrow(message);
  });
});

describe('lora from a folder that PEFT wrote', () => {
  it('has its layers, rank, scale and values, and is no identity', async () => {
    const adapter = await attach({ path: 'peft-lora', dropout: 0.2 });
    expect(layersOf(adapter)).toEqual(
      blocks.flatMap((block) => [`${block}.self_attn.q_proj`, `${block}.mlp.down_proj`]),
    );
    expect(adapter.isIdentity).toBe(false);
    const { a, scale, dropout } = adapter.lowRank(oracle.path)!;
    expect([a.shape[0], dropout]).toEqual([2, 0.2]);
    expect(scale).toBeCloseTo(oracle.scale, 12); // 6/√2
  });

  it("gives PEFT's outputs and gradients, to 1e-5", async () => {
    const { a, b, scale, dropout } = (await attach({ path: 'peft-lora' })).lowRank(oracle.path)!;
    const inputs: [Tensor2D, Tensor2D, Tensor2D] = [
      tf.tensor2d(oracle.x),
      tf.clone(a) as Tensor2D,
      tf.clone(b) as Tensor2D,
    ];
    const weight = tf.tensor2d(oracle.weight);
    const { value, gradients } = grads((x: Tensor2D, aNow: Tensor2D, bNow: Tensor2D) =>
      linear(x, weight, { lowRank: { a: aNow, b: bNow, scale, dropout } as unknown as LowRank }),
    )(inputs, tf.tensor2d(oracle.dy));
    for (const [got, expected] of [
      [value, oracle.y],
      [gradients[0], oracle.dx],
      [gradients[1], oracle.dA],
      [gradients[2], oracle.dB],
    ] as const) {
      const values = got.dataSync();
      for (const [i, want] of expected.flat().entries()) expect(Math.abs(values[i]! - want)).toBeLessThan(1e-5);
    }
    tf.dispose([...inputs, weight, value, ...gradients]);
  });

  it.each([
    ['rank', { rank: 99 }],
    ['alpha', { alpha: 99 }],
    ['targets', { targets: ['q_proj'] }],
  ])('refuses an option that contradicts it: %s', async (option, options) => {
    await expect(attach({ path: 'peft-lora', ...options })).rejects.toThrow(
      `LLMF_NN_ADAPTER_OPTION: adapter.${option}`,
    );
  });

  it('writes back the tensors it read, under the same names', async () => {
    const adapter = await attach({ path: 'peft-lora' });
    const read = await readSafetensors(join(fixtures, 'peft-lora', 'adapter_model.safetensors'));
    const held = [...adapter.variables].map(async ([name, variable]) => {
      const values = (await variable.data()) as Float32Array;
      return [name, { dtype: 'F32', shape: variable.shape, data: new Uint8Array(values.slice().buffer) }] as const;
    });
    expect(Object.fromEntries(await Promise.all(held))).toEqual(read);
  });

  const changed = async (change: (folder: string) => void | Promise<void>) => {
    const folder = mkdtempSync(join(tmpdir(), 'llmf-lora-'));
    try {
      cpSync(join(fixtures, 'peft-lora'), folder, { recursive: true });
      await change(folder);
      await attach({ path: folder });
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const withConfig = (values: Record<string, unknown>) => (folder: string) => {
    const file = join(folder, 'adapter_config.json');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...values }));
  };
  const withTensors = (change: (name: string) => string | null) => async (folder: string) => {
    const file = join(folder, 'adapter_model.safetensors');
    const tensors = Object.entries(await readSafetensors(file)).map(
      ([name, tensor]) => [change(name), tensor] as const,
    );
    await writeSafetensors(file, Object.fromEntries(tensors.filter(([name]) => name !== null) as [string, never][]));
  };

  const refusal = async (change: (folder: string) => void | Promise<void>): Promise<string> =>
    changed(change).then(
      () => 'accepted',
      (error: Error) => error.message,
    );

  it.each([
    [
      'has no config',
      (folder: string) => rmSync(join(folder, 'adapter_config.json')),
      /no such file beside adapter_model\.safetensors/,
    ],
    ['is no LoRA', withConfig({ peft_type: 'IA3' }), /peft_type: /],
    ['lies about its rank', withConfig({ r: 4 }), /lora_A is \[2,8\]\n {2}expected: \[4,8\]/],
    [
      'says of a layer another rank than it has',
      withConfig({ rank_pattern: { q_proj: 4 } }),
      /q_proj, lora_A is \[2,8\]/,
    ],
    ['has a pattern that is none', withConfig({ alpha_pattern: { '(': 4 } }), /alpha_pattern\.\(/],
    [
      'is for another model',
      withTensors((name) => name.replace('q_proj', 'query')),
      /layers\.0\.self_attn\.query\.lora_A\.weight.* and 1 more\n {2}expected: .*such as model\.layers\.1\.mlp\.down_proj/,
    ],
    [
      'lacks one half',
      withTensors((name) => (name.includes('layers.0.mlp.down_proj.lora_B') ? null : name)),
      /layers\.0\.mlp\.down_proj, lora_B is missing/,
    ],
    [
      'is not there',
      (folder: string) => rmSync(join(folder, 'adapter_model.safetensors')),
      /no such file beside adapter_config\.json[^]*give adapter\.path a PEFT folder/,
    ],
  ])('refuses one that %s', async (_name, change, message) => {
    expect(await refusal(change)).toMatch(/^LLMF_NN_ADAPTER_FILE/);
    expect(await refusal(change)).toMatch(message);
  });

  it('says how to turn a pickle into what is read', async () => {
    const message = await refusal((folder) =>
      renameSync(join(folder, 'adapter_model.safetensors'), join(folder, 'adapter_model.bin')),
    );
    expect(message).toMatch(/^LLMF_NN_ADAPTER_PICKLED[^]*adapter_model\.bin\n[^]*safetensors first/);
  });

  it('passes over trained biases where the file has none, and names them where it has', async () => {
    expect(await refusal(withConfig({ bias: 'lora_only' }))).toBe('accepted');
    const message = await refusal(async (folder) => {
      withConfig({ bias: 'lora_only' })(folder);
      await withTensors((name) => name.replace(/^.*layers\.0\.self_attn.*lora_A.*$/, 'base_model.model.q_proj.bias'))(
        folder,
      );
    });
    expect(message).toMatch(
      /^LLMF_NN_ADAPTER_KEY[^]*, bias\n {2}got: "lora_only" \(tensors base_model\.model\.q_proj\.bias\)/,
    );
  });

  it('names the tensors of what it does not compute, and the flag of who asked', async () => {
    const message = await refusal(async (folder) => {
      withConfig({ kasa_config: { beta: 1 } })(folder);
      await withTensors((name) => name.replace(/^.*layers\.0\.self_attn.*lora_A.*$/, 'base_model.model.token_rows'))(
        folder,
      );
    });
    expect(message).toMatch(
      /^LLMF_NN_ADAPTER_KEY[^]*, kasa_config\n {2}got: \{"beta":1\} \(tensors base_model\.model\.token_rows\)/,
    );
    await expect(lora.load!(model(), join(fixtures, 'nowhere'), '--adapter')).rejects.toThrow(
      /no such folder\n {2}to do: give --adapter a PEFT folder/,
    );
  });
});

describe('dropout of a low-rank path', () => {
  const lowRank = () => {
    const eye = tf.eye(64);
    const made = { a: tf.variable(eye), b: tf.variable(eye), scale: 1, dropout: 0.25 } as unknown as LowRank;
    eye.dispose();
    return made;
  };
  const key = { key: { seed: 1, stream: 'dropout', step: 2, microbatch: 0 }, site: 'a.layer' };

  it('drops a quarter of its inputs, scales the rest by 4/3, and leaves the base path alone', () => {
    const pair = lowRank();
    tf.tidy(() => {
      const y = linear(tf.ones([32, 64]), tf.zeros([64, 64]), { lowRank: pair, dropoutKey: key }).dataSync();
      const dropped = y.filter((value) => value === 0).length / y.length;
      expect(Math.abs(dropped - 0.25)).toBeLessThan(0.04); // 4 standard errors of 2048 draws
      expect([...new Set(y)].map((value) => value.toFixed(6)).toSorted()).toEqual(['0.000000', '1.333333']);
    });
    tf.dispose([pair.a, pair.b]);
  });

  it('is the same for the same key, layer by layer, and off without one', () => {
    const pair = lowRank();
    tf.tidy(() => {
      const run = (dropoutKey?: typeof key) => [
        ...linear(tf.ones([4, 64]), tf.zeros([64, 64]), { lowRank: pair, dropoutKey }).dataSync(),
      ];
      expect(run(key)).toEqual(run(key));
      expect(run({ ...key, site: 'another.layer' })).not.toEqual(run(key));
      expect(run({ ...key, key: { ...key.key, step: 3 } })).not.toEqual(run(key));
      expect(run().every((value) => value === 1)).toBe(true);
    });
    tf.dispose([pair.a, pair.b]);
  });

  it('passes gradients through what it kept, and only there', () => {
    const pair = lowRank();
    const x = tf.variable(tf.ones([4, 64])) as never;
    const mask = tf.tidy(() => [...linear(x, tf.zeros([64, 64]), { lowRank: pair, dropoutKey: key }).dataSync()]);
    const { loss } = valueAndGradients(
      () => ({ loss: tf.sum(linear(x, tf.zeros([64, 64]), { lowRank: pair, dropoutKey: key })) as Scalar }),
      [x],
      (_, gradient) => {
        expect([...gradient.dataSync()]).toEqual(mask); // A and B are the identity
        gradient.dispose();
      },
    );
    tf.dispose([loss, x, pair.a, pair.b]);
  });
});

describe('freeze', () => {
  const trained = (given: Record<string, unknown>) => {
    const options = freeze.options!.safeParse(given) as { data: Record<string, unknown> };
    return [...model().parameters.keys()].filter((name) => freeze.trainsBase(name, blocks, options.data));
  };
  const named = (block: number, ...parts: string[]) => parts.map((part) => `model.layers.${block}.${part}.weight`);

  it('trains the last two blocks when nothing is said', () => {
    expect(trained({})).toEqual([0, 1].flatMap((block) => named(block, ...Object.keys(sizes))));
  });
  it('trains the last n blocks, or with a negative number the first n', () => {
    expect(trained({ trainableLayers: 1 })).toEqual(named(1, ...Object.keys(sizes)));
    expect(trained({ trainableLayers: -1 })).toEqual(named(0, ...Object.keys(sizes)));
  });
  it('trains the named parts of those blocks, and named weights outside of all blocks', () => {
    const options = { trainableLayers: 1, trainableModules: ['mlp'], extraModules: ['norm'] };
    expect(trained(options)).toEqual([...named(1, 'mlp.up_proj', 'mlp.down_proj'), 'model.norm.weight']);
  });
  it('refuses names that mean nothing, nearest known first', async () => {
    const attempt = (options: Record<string, unknown>) =>
      freeze.attach(
        model(),
        (freeze.options!.safeParse(options) as { data: Record<string, unknown> }).data,
        random,
        '.',
      );
    await expect(attempt({ trainableModules: ['mpl'] })).rejects.toThrow(
      /LLMF_NN_UNKNOWN_MODULE: adapter\.trainableModules .*\n.*\n {2}got: mpl\n {2}expected: some of: mlp, /,
    );
    await expect(attempt({ extraModules: ['lm_head'] })).rejects.toThrow(/adapter\.extraModules/);
    await expect(attempt({})).resolves.toBeNull();
  });
  it('refuses zero layers', () => expect(freeze.options!.safeParse({ trainableLayers: 0 }).success).toBe(false));
});

describe('none', () => {
  it('trains every weight and has no variables of its own', async () => {
    expect(none.trainsBase('model.norm.weight', blocks, {})).toBe(true);
    expect(await none.attach(model(), {}, random, '.')).toBeNull();
  });
});
