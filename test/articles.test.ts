// SPDX-License-Identifier: Apache-2.0
/** docs/articles.md: each row has a command and a test, or says why it is not here; the files of its experiments are read. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '@llmf/core';
import { describe, expect, it } from 'vitest';
import { optionsOfFlags } from '../packages/cli/src/import/flags.js';
import { toolNamed } from '../packages/cli/src/import/foreign-words.js';
import { translate } from '../packages/cli/src/import/translation.js';
import { readSweep } from '../packages/cli/src/sweep/sweep-file.js';
import { createProgram } from '../packages/cli/src/run-cli.js';
import { testIo } from '../packages/cli/test/support/test-io.js';
import { articles } from '../scripts/docs/articles-table.mjs';
import { repository } from './support/command.js';

interface Row {
  readonly claim: string;
  readonly command?: string | null;
  readonly test?: string;
  readonly figure?: string | null;
  readonly missing?: string;
}
const rows = (articles as readonly { readonly rows: readonly Row[] }[]).flatMap((article) => article.rows);

describe('the table of the articles', () => {
  it('has for each claim a test that exists, or a reason', () => {
    const bare = rows.filter(
      ({ test, missing }) => (missing ?? '') === '' && (test === undefined || !existsSync(join(repository, test))),
    );
    expect(bare).toEqual([]);
    expect(rows.length).toBeGreaterThan(40);
    expect(rows.filter(({ figure }) => /FIGURE|TODO/.test(figure ?? ''))).toEqual([]);
  });

  it('names commands and files that exist', () => {
    const { commands } = createProgram(testIo({ folder: repository }), () => {});
    const known = commands.map((command) => command.name());
    const problems = rows.flatMap(({ command }) => {
      const [program, word = ''] = (command ?? 'llmf train').split(' ');
      return (program === 'llmf' ? known.includes(word) : existsSync(join(repository, word))) ? [] : [command];
    });
    expect(problems).toEqual([]);
  });
});

describe('the files of examples/articles', () => {
  const folder = join(repository, 'examples', 'articles');
  const files = [
    ...readdirSync(join(folder, 'llamafactory'))
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => ['llamafactory', name] as const),
    ...readdirSync(join(folder, 'trlx'))
      .filter((name) => name.endsWith('.yml') && name !== 'ppo_sweep.yml')
      .map((name) => ['trlx', name] as const),
  ];

  it.each(files)('%s, %s: every option is told, none refused', async (tool, name) => {
    const { raw } = await readConfig(join(folder, tool), name);
    const { report } = translate(toolNamed(tool), raw);
    expect(report.filter(({ kind }) => kind === 'refused')).toEqual([]);
    expect(report.length).toBeGreaterThan(20);
  });

  it('trlX’s sweep file searches what its PPO config decides', async () => {
    const { words, space, metric, trials } = await readSweep(join(folder, 'trlx'), 'ppo_sweep.yml');
    expect(words.slice(0, 2)).toEqual(['--from', 'trlx']);
    expect(Object.keys(space)).toEqual(['train.learningRate', 'stage.klCoefficient', 'adapter.rank']);
    expect([metric, trials]).toEqual(['eval_objective/scores', 8]);
  });

  it('are five, beside MedicalGPT’s line', async () => {
    expect(files).toHaveLength(5);
    const { dpoFlags } = (await import('../examples/articles/medicalgpt/experiment.mjs')) as { dpoFlags: string };
    const options = optionsOfFlags(dpoFlags.split(' '));
    const { report } = translate(toolNamed('medicalgpt'), options);
    expect(report.filter(({ isDefault }) => !isDefault).map(({ key }) => key)).toEqual(Object.keys(options));
    expect(report.filter(({ kind }) => kind === 'refused')).toEqual([]);
    expect(Object.keys(options).length).toBe(28);
  });
});
