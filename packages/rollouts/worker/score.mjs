// SPDX-License-Identifier: Apache-2.0
// Runs a reward function of the user's in a thread of its own, so that one that hangs can be ended.
import { parentPort, workerData } from 'node:worker_threads';

const { url, exported } = workerData;

/** What an error says across threads. */
const told = (error) => ({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });

let score;
try {
  score = (await import(url))[exported];
  if (typeof score !== 'function') throw new TypeError(`its export "${exported}" is no function`);
  parentPort.postMessage({ ready: true });
} catch (error) {
  parentPort.postMessage(told(error));
}

parentPort.on('message', async (samples) => {
  try {
    parentPort.postMessage({ scores: await score(samples) });
  } catch (error) {
    parentPort.postMessage(told(error));
  }
});
