// SPDX-License-Identifier: Apache-2.0
// What docs/ and the READMEs show is what the program does.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { applyOverrides, readConfig, type Engine } from '@llmf/core';
import { LossToken } from '@llmf/training';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testIo } from '../packages/cli/test/support/test-io.js';
import { checkedPipeline } from '../packages/cli/src/pipeline/run-pipeline.js';
import { createProgram, runCli } from '../packages/cli/src/run-cli.js';
import { readSweep } from '../packages/cli/src/sweep/sweep-file.js';
import { builtInFormats } from '../packages/data/src/formats/index.js';
import { openSourceFile, readExamples } from '../packages/data/src/sources/open-source-file.js';
import { errorCatalogue } from '../scripts/docs/error-catalogue.mjs';
import { filled, generatedParts } from '../scripts/docs/markdown.mjs';
import { migrationSource, migrationTables } from '../scripts/docs/migration-tables.mjs';
import { optionCount } from '../scripts/docs/option-tables.mjs';
import { engineWithAll } from '../scripts/docs/packages.mjs';
import { generatedText } from '../scripts/docs/pages.mjs';
import { llmf, repository, succeeded } from './support/command.js';
import { blocksOf, pageNamed, pages, problemOf, source, tableRows, type Block } from './support/docs.js';
import { firstRunCopy } from './support/first-run.js';

const importFile = (file: string) => import(/* @vite-ignore */ file) as Promise<Record<string, unknown>>;
const blocks = pages().flatMap(blocksOf);
const place = ({ page, line }: Block) => `${page}:${line}`;

let engine: Engine & { close(): Promise<void> };
beforeAll(async () => {
  engine = await engineWithAll(importFile);
});
afterAll(() => engine.close());

describe('the generated parts of docs/', () => {
  it('are what the schemas, catalogues and contracts say today (else: node scripts/write-docs.mjs)', async () => {
    const written = (await generatedText(engine, importFile)) as Record<string, Record<string, string>>;
    let parts = 0;
    for (const [name, texts] of Object.entries(written)) {
      const { text } = pageNamed(`docs/${name}`);
      expect(generatedParts(text).toSorted()).toEqual(Object.keys(texts).toSorted());
      for (const [part, content] of Object.entries(texts)) {
        expect(filled(text, part, content), `docs/${name}, ${part}`).toBe(text);
        parts++;
      }
    }
    expect(parts).toBe(14);
  });

  it('hold every key of the config, each with a meaning', () => {
    const { text } = pageNamed('docs/configuration.md');
    const rows = text.slice(text.indexOf('## Every key')).match(/^\| `[^\n]*$/gm)!;
    expect(rows).toHaveLength(optionCount(engine));
    expect(rows.length).toBeGreaterThan(105);
    expect(rows.filter((row) => /\|\s*\|$/.test(row))).toEqual([]);
  });
});

async function problemOfPipeline(folder: string): Promise<string | null> {
  const io = testIo({ folder });
  const { commands } = createProgram(io, () => {});
  return await checkedPipeline('shown.yaml', { io, commands }).then(
    () => null,
    (error: Error) => error.message,
  );
}

async function problemOfSweep(folder: string): Promise<string | null> {
  await writeFile(join(folder, 'llmf.yaml'), '');
  await writeFile(join(folder, 'ppo.yml'), '{ model: { model_path: gpt2 }, method: { name: PPOConfig } }'); // trlX's
  return await readSweep(folder, 'shown.yaml').then(
    () => null,
    (error: Error) => error.message,
  );
}

describe('what the pages show', () => {
  it('are configs that resolve, whole or in part', async () => {
    const shown = blocks.filter(({ language }) => language === 'yaml');
    const problems: string[] = [];
    const folder = await mkdtemp(join(tmpdir(), 'llmf-docs-'));
    for (const block of shown) {
      await writeFile(join(folder, 'shown.yaml'), block.text);
      const { raw } = await readConfig(folder, 'shown.yaml');
      const problem =
        'stages' in raw
          ? await problemOfPipeline(folder)
          : 'space' in raw || 'tune_config' in raw
            ? await problemOfSweep(folder)
            : await problemOf(engine, raw);
      if (problem !== null) problems.push(`${place(block)}: ${problem}`);
    }
    await rm(folder, { recursive: true });
    expect(problems).toEqual([]);
    expect(shown.length).toBeGreaterThanOrEqual(22);
  });

  it('are commands that exist, with flags and keys that exist', async () => {
    const lines = blocks
      .filter(({ language }) => language === 'sh')
      .flatMap((block) =>
        block.text.split('\n').map((line) => ({ at: place(block), line: line.replace(/\s+#.*$/, '') })),
      )
      .filter(({ line }) => /^(npx )?llmf /.test(line));
    const problems: string[] = [];
    for (const { at, line } of lines) {
      const problem = await problemOfCommand(line.replace(/^npx /, ''));
      if (problem !== null) problems.push(`${at}: ${line}: ${problem}`);
    }
    expect(problems).toEqual([]);
    expect(lines.length).toBeGreaterThanOrEqual(20);
  });

  it('are links that lead somewhere', () => {
    let links = 0;
    const dead: string[] = [];
    for (const { name, text } of pages()) {
      for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^(https?:|mailto:)/.test(target)) continue;
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? join(repository, name) : join(repository, dirname(name), path);
        links++;
        if (!existsSync(file)) dead.push(`${name}: ${target}`);
        else if (anchor !== undefined && !anchorsOf(file).includes(anchor)) dead.push(`${name}: ${target}`);
      }
    }
    expect(dead).toEqual([]);
    expect(links).toBeGreaterThan(30);
  });

  it('are error codes that exist', async () => {
    const known = new Set((await errorCatalogue(importFile)).map(({ code }: { code: string }) => code));
    const named = pages().flatMap(({ name, text }) =>
      [...text.matchAll(/LLMF_[A-Z_]+[A-Z]/g)].map(([code]) => ({ name, code })),
    );
    const variables = [
      'LLMF_TEST_DATA',
      'LLMF_PEERS_PYTHON',
      'LLMF_KILL_SEED',
      'LLMF_CPU_ISA',
      'LLMF_PACKAGE_WHAT',
      'LLMF_CPU_THREADS',
    ];
    expect(named.filter(({ code }) => !known.has(code) && !variables.includes(code))).toEqual([]);
    expect(named.length).toBeGreaterThan(170);
  });
});

describe('the indexes', () => {
  const entries = (folder: string) =>
    readdirSync(join(repository, folder), { withFileTypes: true }).filter(({ name }) => !/^\.|^runs$/.test(name));

  it('of examples/ and docs/ leave nothing out', () => {
    const examples = entries('examples').filter((entry) => entry.isDirectory());
    const pagesOfDocs = entries('docs').filter(({ name }) => name.endsWith('.md') && name !== 'README.md');
    for (const { name } of examples) expect(pageNamed('examples/README.md').text).toContain(`(${name}/README.md)`);
    for (const { name } of pagesOfDocs) expect(pageNamed('docs/README.md').text).toContain(`(${name})`);
    expect(examples.length).toBeGreaterThanOrEqual(2);
    expect(pagesOfDocs.length).toBeGreaterThanOrEqual(8);
  });
});

describe('docs/coming-from.md', () => {
  const page = pageNamed('docs/coming-from.md');
  it.each([
    ['## LLaMA-Factory', 70],
    ['## TRL', 40],
    ['## MedicalGPT', 20],
    ['## trlX', 25],
    ['## Axolotl', 40],
  ])('%s: every row names what exists here', async (heading, atLeast) => {
    const rows = tableRows(page, heading, 'There');
    const problems: string[] = [];
    let checked = 0;
    for (const [there = '', here = ''] of rows) {
      expect(there).toMatch(/^`/);
      expect(here).not.toBe('');
      const [, words] = /^`([^`]*=[^`]*)`$/.exec(here) ?? [];
      if (words === undefined) continue;
      checked++;
      const problem = await problemOf(engine, overridden(splitWords(words)));
      if (problem !== null) problems.push(`${there} → ${words}: ${problem}`);
    }
    expect(problems).toEqual([]);
    expect(rows.length).toBeGreaterThanOrEqual(atLeast);
    expect(checked / rows.length).toBeGreaterThan(0.65);
  });

  it('is what the command answers a pasted config with (else: node scripts/write-docs.mjs)', () => {
    expect(readFileSync(join(repository, migrationTables), 'utf8')).toBe(migrationSource());
  });
});

describe('docs/data.md', () => {
  const rows = blocksOf(pageNamed('docs/data.md')).filter(({ language }) => language === 'json');

  it('shows a row of every format', () => {
    const shown = new Set(rows.map(({ label }) => label.split(' ')[0]));
    expect([...shown].toSorted()).toEqual(builtInFormats.map(({ name }) => name).toSorted());
  });

  it.each(rows.map((block) => [block.label, block.text]))('%s: is recognised and read as such', async (label, text) => {
    const [format, kind] = label.split(' ') as [string, 'text' | 'single' | 'pair' | 'labelled' | 'group'];
    const folder = await mkdtemp(join(tmpdir(), 'llmf-docs-'));
    const path = join(folder, 'rows.json');
    await writeFile(path, `[${text}]`);
    const file = { path, format: null, columns: {}, tags: null, pieces: 'line' as const };
    const opened = await openSourceFile(file, builtInFormats, kind, []);
    const [row] = await opened.reader.read(0, 1);
    await opened.reader.close();
    await rm(folder, { recursive: true });
    expect(opened.format.name).toBe(format);
    expect(readExamples(row, opened, kind)).toMatchObject([{ weight: 1 }]);
  });
});

describe('docs/errors.md', () => {
  it('shows what a misspelt key gives, word for word', async () => {
    const [shown] = blocksOf(pageNamed('docs/errors.md')).filter(({ language }) => language === 'text');
    const folder = await mkdtemp(join(tmpdir(), 'llmf-docs-'));
    const io = testIo({ folder });
    const words = ['model.path=m', 'data={train: [{path: d}]}', 'stage=sft', 'adapter.name=lora', 'adapter.rnak=16'];
    expect(await runCli(['train', ...words], io)).toBe(1);
    await rm(folder, { recursive: true });
    expect(io.text.err).toBe(shown!.text);
  });
});

describe('docs/losses.md', () => {
  it('states the first value of every variant of dpo', () => {
    const rows = tableRows(pageNamed('docs/losses.md'), '## dpo', '`variant`');
    const dpo = engine.find(LossToken, 'dpo');
    const values = rows.map(([name = '', , stated = '']) => {
      const variant = name.replaceAll('`', '');
      const labelSmoothing = variant === 'exo_pair' ? 0.001 : 0;
      const options = dpo.options!.safeParse({ variant, labelSmoothing }) as unknown as { data: never };
      return [variant, numberIn(stated), dpo.atReference(options.data)!] as const;
    });
    expect(values).toHaveLength(14);
    for (const [variant, stated, real] of values) expect(stated, variant).toBeCloseTo(real, 3);
  });
});

describe('docs/plugins.md', () => {
  let copy: Awaited<ReturnType<typeof firstRunCopy>>;
  let folder: string;
  beforeAll(async () => {
    copy = await firstRunCopy();
    await mkdir(join(repository, 'docs', 'runs'), { recursive: true });
    folder = await mkdtemp(join(repository, 'docs', 'runs', 'plugins-')); // inside, so that it finds @llmf/core
    for (const { language, label, text } of blocksOf(pageNamed('docs/plugins.md'))) {
      if (language === 'js') await writeFile(join(folder, `${label.replace('plugin:', '')}.mjs`), text);
    }
  });
  afterAll(async () => {
    await copy.remove();
    await rm(join(repository, 'docs', 'runs'), { recursive: true, force: true });
  });
  const train = async (output: string, backend: string, ...words: string[]) => {
    const short = [
      `backend=${backend}`,
      'train.maxSteps=2',
      'train.evalOnStart=false',
      'data.eval=null',
      `output=runs/${output}`,
    ];
    const { out, err } = await llmf(['train', join(copy.folder, 'llmf.yaml'), ...words, ...short], { folder });
    const record = join(copy.folder, 'runs', output, 'run.json');
    if (!existsSync(record)) throw new Error(`no run\n${err}\n${out}`);
    return { said: out + err, run: JSON.parse(readFileSync(record, 'utf8')) as { config: never; backend: never } };
  };

  it('has a plugin that taps hooks and reads its options', { timeout: 60_000 }, async () => {
    const { said } = await train(
      'taps',
      'wasm',
      '--plugin',
      './answer-length.mjs',
      '--plugin',
      'loss-simpo',
      'answerLength.every=1',
    );
    expect(said.match(/step \d+: \d+\.\d tokens per answer/g)).toHaveLength(2);
  });

  it('has a stage', { timeout: 60_000 }, async () => {
    const { run } = await train('stage', 'wasm', '--plugin', './stage-imitate.mjs');
    expect(run.config).toMatchObject({ stage: { name: 'imitate' }, loss: [{ name: 'sft' }] });
  });

  it('has an architecture', { timeout: 60_000 }, async () => {
    const sizes = { vocab_size: 4096, hidden_size: 32, intermediate_size: 48, num_hidden_layers: 2, head_dim: 8 };
    const config = { model_type: 'parallel', max_position_embeddings: 512, ...sizes };
    await writeFile(join(folder, 'parallel.json'), JSON.stringify(config));
    const model = join(folder, 'tiny');
    const tokenizer = ['--tokenizer', join(copy.folder, 'model'), '--plugin', './arch-parallel.mjs'];
    await llmf(['init', model, '--config', join(folder, 'parallel.json'), ...tokenizer], { folder });
    const words = ['--plugin', './arch-parallel.mjs', '--plugin', 'loss-simpo', `model.path=${model}`];
    const { run } = await train('architecture', 'wasm', ...words);
    expect(run.config).toMatchObject({ model: { path: model } });
  });

  it('has a backend', { timeout: 60_000 }, async () => {
    const { run } = await train('backend', 'plain', '--plugin', './backend-plain.mjs', '--plugin', 'loss-simpo');
    expect(run.backend).toMatchObject({ tfName: 'cpu', description: 'plain JavaScript' });
  });

  it('names a config section that --help lists', { timeout: 60_000 }, async () => {
    const help = succeeded(await llmf(['train', '--help', '--plugin', './answer-length.mjs'], { folder }));
    expect(help).toContain('answerLength.every');
  });
});

/** Flags against the command's own help, keys against the schema. */
async function problemOfCommand(line: string): Promise<string | null> {
  const [, command = '', ...all] = splitWords(line);
  const words = all.slice(0, all.includes('--') ? all.indexOf('--') : undefined); // behind it: another tool's flags
  const io = testIo({ folder: tmpdir() });
  if ((await runCli([command, '--help'], io)) !== 0 || !io.text.out.startsWith(`Usage: llmf ${command}`)) {
    return `there is no command ${command}`;
  }
  const flags = words.filter((word) => word.startsWith('--') && word !== '--help');
  const unknown = flags.find((flag) => !new RegExp(`${flag}[ \\n]`).test(io.text.out));
  if (unknown !== undefined) return `${command} has no flag ${unknown}`;
  const keys = words.filter((word) => /^[\w.]+=/.test(word));
  return keys.length === 0 ? null : await problemOf(engine, overridden(keys));
}

/** What overrides make of an empty config; keys of a plugin that only the page has are left out. */
function overridden(words: readonly string[]): Record<string, unknown> {
  const input = {
    raw: { data: { train: [{ path: 'a' }] }, loss: 'simpo', adapter: 'lora' },
    source,
    folder: '.',
    file: null,
  };
  const raw = {
    ...(words.some((word) => /^(stage|loss|rewards)=/.test(word)) ? { ...input.raw, loss: undefined } : input.raw),
  };
  return defined(applyOverrides({ ...input, raw }, words).raw);
}

const defined = (values: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

/** Words of a command line; braces, brackets and quotes hold theirs together. */
function splitWords(line: string): string[] {
  const words: string[] = [];
  let word = '';
  let depth = 0;
  let quote = '';
  for (const letter of line) {
    if (quote !== '') quote = letter === quote ? '' : quote;
    else if (letter === "'" || letter === '"') quote = letter;
    else if ('{['.includes(letter)) depth++;
    else if ('}]'.includes(letter)) depth--;
    if (letter === ' ' && depth === 0 && quote === '') {
      if (word !== '') words.push(word);
      word = '';
    } else if (letter !== "'") word += letter;
  }
  return [...words, word].filter((each) => each !== '');
}

/** `1/(4β²) = 25 for β = 0.1` → 25; `2 ln 2` → 1.386. */
function numberIn(text: string): number {
  const [, stated] = /= (\d[\d.]*)/.exec(text.replace(/ for .*$/, '')) ?? [];
  if (stated !== undefined) return Number(stated);
  const [, times] = /^(?:(\d+) )?ln 2$/.exec(text) ?? [];
  return text.endsWith('ln 2') ? Number(times ?? 1) * Math.LN2 : Number(text);
}

/** GitHub's anchors of a page's headings. */
function anchorsOf(file: string): string[] {
  const headings = readFileSync(file, 'utf8').match(/^#+ .*$/gm) ?? [];
  return headings.map((heading) =>
    heading
      .replace(/^#+ /, '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
