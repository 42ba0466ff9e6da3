// SPDX-License-Identifier: Apache-2.0
// Lines of { template, values, spans? } on standard input; lines of { text, spans } (in UTF-16 units) or { error, kind } on standard output.
import { createInterface } from 'node:readline';
import { parseJson, Template, TemplateError } from '../../packages/jinja/dist/index.js';

// With --collect (and --expose-gc), memory held before each is collected first, so that `grown` is what it took.
const collects = process.argv.includes('--collect');
const cache = new Map();
for await (const line of createInterface({ input: process.stdin })) {
  const { template, values } = parseJson(line);
  if (collects) globalThis.gc();
  const before = process.memoryUsage().rss;
  const started = performance.now();
  const work = process.cpuUsage();
  let answer;
  try {
    if (!cache.has(template)) cache.set(template, new Template(template));
    const { text, generated } = cache.get(template).render(values);
    answer = { text, spans: generated };
  } catch (error) {
    answer =
      error instanceof TemplateError ? { error: error.message, kind: error.kind } : { crash: String(error.stack) };
  }
  if (cache.size > 500) cache.clear();
  // What the work took: not more than the clock says, and not what the machine did besides.
  const { user, system } = process.cpuUsage(work);
  const ms = Math.min(performance.now() - started, (user + system) / 1000);
  process.stdout.write(`${JSON.stringify({ ...answer, ms, grown: process.memoryUsage().rss - before })}\n`);
}
