// SPDX-License-Identifier: Apache-2.0
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
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
  readonly signal: string | null;
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
      const signal = error?.signal ?? null;
      resolve({ status, signal, out, err, seconds: (performance.now() - started) / 1000 });
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
    // Seconds of the processor, not of the clock: other tests may run beside.
    const report = `process.on('exit', () => process.stderr.write(String((({ user, system }) => (user + system) / 1e6)(process.cpuUsage()))));`;
    await folder.write('cpu.cjs', report);
    const seconds: number[] = [];
    for (let each = 0; each < 3; each++) {
      const { status, out, err } = await start(['--require', './cpu.cjs', binary, '--help']);
      expect(status).toBe(0);
      expect(out).toContain('Usage: llmf');
      seconds.push(Number(err));
    }
    expect(Math.min(...seconds)).toBeGreaterThan(0);
    expect(Math.min(...seconds)).toBeLessThan(0.3);
  });

  it('ends with status 1 and a coded message for the user’s mistakes', async () => {
    const { status, out, err } = await llmf(['train']);
    expect({ status, out }).toEqual({ status: 1, out: '' });
    expect(err).toMatch(/^LLMF_CORE_CONFIG_MISSING: /);
  });

  it.runIf(existsSync('/dev/full'))('fails when what it prints is lost, and in a folder that is gone', () => {
    const shell = (script: string) => {
      const { status, stderr } = spawnSync('sh', ['-c', script, process.execPath, binary], { cwd: folder.path });
      return [status, stderr.toString()];
    };
    expect(shell('"$0" "$1" schema > /dev/full')).toEqual([1, expect.stringContaining('LLMF_CLI_OUTPUT_LOST')]);
    const gone = shell('mkdir gone && cd gone && rmdir ../gone && "$0" "$1" env');
    expect(gone).toEqual([1, expect.stringContaining('LLMF_CLI_FOLDER_GONE')]);
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

  it('leaves at once at the second Ctrl-C, even while it is busy', async () => {
    const stage = 'stage: { name: toy, stepsPerEpoch: 1000000, saveSeconds: 20 }';
    await folder.write('llmf.yaml', toyConfig.replace('stage: toy', stage));
    let presses = 0;
    const { status, signal, seconds } = await llmf(['train', '--plugin', toyPlugin], (seen, kill) => {
      const isDue = presses === 0 ? seen.includes('step 1/') : presses === 1 && seen.includes('Ctrl-C again');
      if (!isDue) return;
      presses++;
      kill('SIGINT');
    });
    expect({ presses, status, signal }).toEqual({ presses: 2, status: null, signal: 'SIGINT' }); // 130 in a shell
    expect(seconds).toBeLessThan(15);
    expect(await folder.list('run')).not.toContain('loss.svg');
  });
});
