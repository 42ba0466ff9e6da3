// SPDX-License-Identifier: Apache-2.0
import { mkdir, open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import {
  defineTracker,
  namedAsTransformers,
  readSection,
  section,
  writeAll,
  type MetricsRow,
  type Plugin,
  type Run,
  type Tracker,
} from '@llmf/core';
import { z } from 'zod';
import { fileVersion, record, scalars, sessionStart, text } from './events.js';

export const tensorboardOptions = z.strictObject({
  folder: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe("Where event files go; null: `tensorboard` in the run's folder.")
    .meta({ decides: false }),
  config: z
    .boolean()
    .default(true)
    .describe("Show the run's whole config as a text beside the curves.")
    .meta({ decides: false }),
});
export type TensorboardOptions = z.infer<typeof tensorboardOptions>;

const options = section<TensorboardOptions>('tensorboard', '@llmf/tracker-tensorboard');

/** Event files that `tensorboard --logdir RUNS` shows while a run goes on. */
export const trackerTensorboard = (): Plugin =>
  defineTracker({
    name: 'tracker-tensorboard',
    description: 'event files for TensorBoard',
    options: tensorboardOptions,
    section: 'tensorboard',
    open: async (run, { step }) => {
      const { folder, config } = readSection(run.config, options);
      const target = folder === null ? join(run.output, 'tensorboard') : resolve(run.folder, folder);
      await mkdir(target, { recursive: true });
      const writer = new EventFile(join(target, fileName()));
      await writer.append(fileVersion(seconds()), ...(step === 0 ? [] : [sessionStart(seconds(), step + 1)]));
      if (config) await writer.append(text(seconds(), step, 'config', configText(run)));
      return writer;
    },
  });

/** As TensorFlow names them; several starts of a run lie side by side. */
const fileName = () =>
  `events.out.tfevents.${Math.floor(seconds())}.${hostname()}.${process.pid}.${Math.floor(performance.now())}`;

const seconds = () => Date.now() / 1000;

/** Markdown in which indented lines are shown as they stand. */
const configText = ({ config }: Run): string =>
  JSON.stringify(config.resolved, null, 2)
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');

class EventFile implements Tracker {
  /** Bytes of whole records; a record that was cut by a full disk is written over. */
  private length = 0;

  constructor(private readonly path: string) {}

  async log(row: MetricsRow): Promise<void> {
    const { step, ...metrics } = row;
    await this.append(scalars(seconds(), Number(step), namedAsTransformers(metrics)));
  }

  async end(): Promise<void> {}

  async append(...events: readonly Buffer[]): Promise<void> {
    const bytes = Buffer.concat(events.map(record));
    const file = await open(this.path, this.length === 0 ? 'w' : 'r+');
    try {
      await writeAll(file, bytes, this.length);
    } finally {
      await file.close();
    }
    this.length += bytes.length;
  }
}
