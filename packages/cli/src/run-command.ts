// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { displayPath, readText } from '@llmf/core';
import type { Command } from 'commander';
import { Display } from './display.js';
import { Interruption } from './interruption.js';
import { interruptedStatus, type CliIo } from './io.js';
import { reportLines, type StageReport } from './pipeline/pipeline-report.js';
import { runPipeline } from './pipeline/run-pipeline.js';

/** Runs a pipeline. Returns the exit status. */
export async function runCommand(
  io: CliIo,
  file: string,
  { resume, commands }: { resume: boolean; commands: readonly Command[] },
): Promise<number> {
  const display = new Display(io);
  const interruption = new Interruption(io, display);
  try {
    const folder = await runPipeline(file, { io, display, resume, interruption, commands });
    if (folder !== null) return await showReport(display, folder);
    display.info('interrupted; continue with --resume');
    return interruptedStatus;
  } finally {
    interruption.close();
    display.close();
  }
}

async function showReport(display: Display, folder: string): Promise<number> {
  const text = await readText(join(folder, 'report.json'));
  const { stages } = JSON.parse(text) as { stages: readonly Omit<StageReport, 'rows'>[] };
  display.info('');
  for (const line of reportLines(stages)) display.info(line);
  display.info(`report: ${displayPath(join(folder, 'report.html'))}`);
  return 0;
}
