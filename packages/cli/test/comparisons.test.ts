// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeAll, afterAll, describe, expect, it } from 'vitest';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TestFolder } from './support/folder.js';
import { testIo } from './support/test-io.js';
import { jsonLines, makeTinyModel, tinyPairs } from './support/tiny-model.js';

let folder: TestFolder;
beforeAll(async () => {
  folder = await TestFolder.create();
  await makeTinyModel(folder);
  await folder.write('prompts.jsonl', jsonLines(tinyPairs));
  await folder.write('rule.mjs', 'export default (samples) => samples.map(({ answer }) => answer.length);\n');
});
afterAll(() => folder.remove());
afterEach(async () => {
  for (const name of await folder.list()) {
    if (!['model', 'prompts.jsonl', 'rule.mjs'].includes(name)) await rm(join(folder.path, name), { recursive: true });
  }
});

const sampling = ['--model', 'model', '--backend', 'js', '--max-new-tokens', '6', '--temperature', '1'];
const sample = (...more: string[]) =>
  folder.llmf('sample', 'prompts.jsonl', '--output', 'samples.jsonl', ...sampling, ...more);
interface Row {
  prompt: string;
  samples: { text: string; tokens: number; logProb: number; reason: string }[];
}
const rowsOf = async <T>(name: string): Promise<T[]> =>
  (await folder.read(name))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);

describe('llmf sample', () => {
  it('writes n answers to every prompt, with their log-probabilities and the row they came from', async () => {
    const { status, out, err } = await sample('--answers', '3');
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toContain('4 prompts, 3 answers each');
    const rows = await rowsOf<Row & { source: object; row: number }>('samples.jsonl');
    expect(rows.map(({ row }) => row)).toEqual([1, 2, 3, 4]);
    expect(rows[0]).toMatchObject({ prompt: tinyPairs[0]!.prompt, source: tinyPairs[0]! });
    for (const { samples } of rows) {
      expect(samples).toHaveLength(3);
      for (const { tokens, logProb } of samples) {
        expect(tokens).toBeGreaterThan(0);
        expect(logProb).toBeLessThan(0);
      }
    }
    expect(new Set(rows[0]!.samples.map(({ text }) => text)).size).toBe(3);
  });

  it('gives an answer that depends neither on how many there are nor on the other prompts', async () => {
    await sample('--answers', '2');
    const two = await rowsOf<Row>('samples.jsonl');
    await sample('--answers', '3', '--output', 'three.jsonl');
    const three = await rowsOf<Row>('three.jsonl');
    expect(three.map(({ samples }) => samples.slice(0, 2))).toEqual(two.map(({ samples }) => samples));
    await sample('--answers', '2', '--seed', '5', '--output', 'seed.jsonl');
    expect((await rowsOf<Row>('seed.jsonl'))[0]!.samples).not.toEqual(two[0]!.samples);
  });

  it('continues after a kill, also one within a line, to the same file', async () => {
    await sample();
    const whole = await folder.read('samples.jsonl');
    await folder.write('samples.jsonl', whole.slice(0, whole.indexOf('\n') + 40));
    expect((await sample()).err).toContain('LLMF_CLI_OUTPUT_EXISTS');
    const { status, out } = await sample('--resume');
    expect(status).toBe(0);
    expect(out).toContain('1 prompts are answered already');
    expect(await folder.read('samples.jsonl')).toBe(whole);
  });

  it('names the row of a prompt that leaves no room; what was written before stays', async () => {
    const long = { prompt: 'a '.repeat(5000) };
    await folder.write('long.jsonl', jsonLines([...Array.from({ length: 16 }, () => tinyPairs[0]!), long]));
    const argv = ['sample', 'long.jsonl', '--output', 'long-samples.jsonl', ...sampling];
    const { status, err } = await folder.llmf(...argv);
    expect(status).toBe(1);
    expect(err).toMatch(/LLMF_CLI_PROMPT_TOO_LONG[^]*long\.jsonl, row 17[^]*tokens/);
    expect(await rowsOf('long-samples.jsonl')).toHaveLength(16);
  });

  it('takes no number of answers that no memory holds', async () => {
    const { status, err } = await sample('--answers', '1000000000');
    expect([status, err]).toEqual([1, expect.stringContaining('a whole number from 1 to 10,000')]);
  });

  it('refuses to continue with other options or other prompts', async () => {
    await sample();
    expect((await sample('--resume', '--seed', '1')).err).toMatch(/SAMPLED_DIFFERENTLY[^]*seed: 0 → 1/);
    await folder.write('others.jsonl', jsonLines(tinyPairs.toReversed()));
    const argv = ['sample', 'others.jsonl', '--output', 'samples.jsonl', ...sampling, '--resume'];
    expect((await folder.llmf(...argv)).err).toMatch(/SAMPLES_OF_OTHER_PROMPTS[^]*row 1/);
  });
});

const label = (keys: string, ...more: string[]) =>
  folder.llmfWith(testIo({ folder: folder.path, keys }), 'label', 'samples.jsonl', '--output', 'pairs.jsonl', ...more);

describe('llmf label', () => {
  it('shows two answers side by side and writes what was preferred', async () => {
    await sample();
    const samples = await rowsOf<Row>('samples.jsonl');
    const { status, out } = await label('12=s');
    expect(status).toBe(0);
    expect(out).toMatch(/1 of 4\n\nprompt:\nWhat is a goat\?\n\n1 +│ 2\n/);
    expect(out).toContain('2 rows: pairs.jsonl');
    const pairs = await rowsOf<{ prompt: string; chosen: string; rejected: string }>('pairs.jsonl');
    expect(pairs.map(({ prompt }) => prompt)).toEqual(samples.slice(0, 2).map(({ prompt }) => prompt));
    for (const [at, { chosen, rejected }] of pairs.entries()) {
      expect([chosen, rejected].toSorted()).toEqual(samples[at]!.samples.map(({ text }) => text).toSorted());
    }
    const flipped = await label('21=s', '--output', 'flipped.jsonl');
    expect(flipped.status).toBe(0);
    const others = await rowsOf<{ chosen: string; rejected: string }>('flipped.jsonl');
    expect(others.map(({ chosen, rejected }) => [rejected, chosen])).toEqual(
      pairs.map(({ chosen, rejected }) => [chosen, rejected]),
    );
  });

  it('keeps every label when it is left, undoes, and goes on', async () => {
    await sample();
    await label('1121');
    const undisturbed = await folder.read('pairs.jsonl');
    await rm(join(folder.path, 'pairs.jsonl'));
    await rm(join(folder.path, 'pairs.jsonl.labels'));
    await label('1x1q'); // an unknown key does nothing
    expect(await rowsOf('pairs.jsonl')).toHaveLength(2);
    expect((await label('1')).err).toContain('LLMF_CLI_OUTPUT_EXISTS');
    const { out } = await label('1u21', '--resume');
    expect(out).toContain('3 of 4');
    expect(await folder.read('pairs.jsonl')).toBe(undisturbed);
  });

  it('survives a kill: labels are there without the output', async () => {
    await sample();
    await label('11q');
    await rm(join(folder.path, 'pairs.jsonl'));
    const { out } = await label('11');
    expect(out).toContain('3 of 4');
    expect(await rowsOf('pairs.jsonl')).toHaveLength(4);
  });

  it('refuses labels of other samples', async () => {
    await sample();
    await label('1q');
    expect((await label('1', '--resume', '--seed', '1')).err).toContain('LLMF_CLI_LABELS_OF_OTHER_SAMPLES');
  });

  it('takes the longest and the shortest answer where a rule counts characters', async () => {
    await sample('--answers', '4');
    const rule = 'rewards={name: function, path: ./rule.mjs}';
    const { status, err } = await label('', rule);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    const pairs = await rowsOf<{ prompt: string; chosen: string; rejected: string }>('pairs.jsonl');
    const samples = await rowsOf<Row>('samples.jsonl');
    expect(pairs.length).toBeGreaterThan(1);
    for (const { prompt, chosen, rejected } of pairs) {
      const lengths = samples.find((row) => row.prompt === prompt)!.samples.map(({ text }) => text.length);
      expect(chosen.length).toBe(Math.max(...lengths));
      expect(rejected.length).toBe(Math.min(...lengths));
    }
    await label('', rule, '--rows', 'rankings', '--output', 'ranked.jsonl');
    for (const { responses, scores } of await rowsOf<{ responses: string[]; scores: number[] }>('ranked.jsonl')) {
      expect(scores).toEqual(responses.map((text) => text.length));
      expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    }
    const none = await label('', rule, '--margin', '1000', '--output', 'none.jsonl');
    expect(none.status).toBe(1);
    expect(none.err).toMatch(/LLMF_CLI_NOTHING_PREFERRED[^]*samples\.jsonl[^]*4 prompts, 0 of their answers/);
    expect(await folder.list()).not.toContain('none.jsonl');
  });

  it('says where a file is not of samples', async () => {
    await folder.write('samples.jsonl', '{"prompt": 1}\n');
    const { status, err } = await label('1');
    expect(status).toBe(1);
    expect(err).toMatch(/LLMF_CLI_SAMPLES_UNREADABLE[^]*samples\.jsonl:1/);
  });
});
