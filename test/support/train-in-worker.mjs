// SPDX-License-Identifier: Apache-2.0
// A worker thread that trains from its workerData, { config, plugins, folder }, and posts the outcome. Runs the built files.
import { parentPort, workerData } from 'node:worker_threads';
import { train } from 'llmf';

const { config, plugins, folder } = workerData;
const made = await Promise.all(plugins.map(async (name) => (await import(name)).default()));
const { step, reason } = await train({ ...config, plugins: made }, { folder });
parentPort.postMessage({ step, reason });
