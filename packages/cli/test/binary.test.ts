// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestFolder, toyConfig, toyPlugin } from './support/folder.js';

const binary = fileURLToPath(new URL('../bin/llmf.js', import.meta.url));

let folder: TestFolder;
beforeEach(async () => {
  folder = await TestFolder.create();
});
afterEach(() => folder.remove());

interface Finished {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
  readonly seconds: number;
}

type OnOutput = (text: string, kill: (signal: NodeJS.Signals) => void) => void;

/** The command as a user starts it; these tests need the built files (`npm test` builds first). */
const llmf = (argv: readonly string[], onOutput?: OnOutput) => start([binary, ...argv], onOutput);

function start(argv: readonly string[], onOutput?: OnOutput): Promise<Finished> {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [...argv], { cwd: folder.path }, (error, out, err) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      resolve({ status, out, err, seconds: (performance.now() - started) / 1000 });
    });
    let seen = '';
    child.stdout!.on('data', (part: string) => {
      seen += part;
      onOutput?.(seen, (signal) => child.kill(signal));
    });
  });
}

describe('the command', () => {
  it('prints its help within 0.3 s', async () => {
    const bare: number[] = [];
    const runs: Finished[] = [];
    for (let each = 0; each < 5; each++) {
      bare.push((await start(['--eval', '0'])).seconds);
      runs.push(await llmf(['--help']));
    }
    expect(runs[0]).toMatchObject({ status: 0, err: '' });
    expect(runs[0]!.out).toContain('Usage: llmf');
    // On a machine that is busy with other tests, Node alone may take that long.
    const allowed = Math.max(0.3, 4 * Math.min(...bare));
    expect(Math.min(...runs.map(({ seconds }) => seconds))).toBeLessThan(allowed);
  });

  it('ends with status 1 and a coded message for the user’s mistakes', async () => {
    const { status, out, err } = await llmf(['train']);
    expect({ status, out }).toEqual({ status: 1, out: '' });
    expect(err).toMatch(/^LLMF_CORE_CONFIG_MISSING: /);
  });

  it('hands over to the llmf that is installed in the user’s folder', async () => {
    await folder.write('node_modules/llmf/package.json', '{ "name": "llmf", "type": "module" }');
    await folder.write('node_modules/llmf/dist/main.js', 'console.log("the local one", process.argv[2]);');
    expect((await llmf(['env'])).out).toBe('the local one env\n');
  });

  it('trains, and ends after the step of a Ctrl-C with status 130', async () => {
    await folder.write('llmf.yaml', toyConfig.replace('stage: toy', 'stage: { name: toy, stepsPerEpoch: 1000000 }'));
    let isKilled = false;
    const { status, out } = await llmf(['train', '--plugin', toyPlugin], (seen, kill) => {
      if (!isKilled && seen.includes('step 1/')) {
        isKilled = true;
        kill('SIGINT');
      }
    });
    expect(status).toBe(130);
    expect(out).toMatch(/interrupted after step \d+; continue with --resume/);
    expect(await folder.list('run/checkpoints')).toHaveLength(1);
    expect((await folder.list('run')).toSorted()).toContain('loss.svg');
  });
});
