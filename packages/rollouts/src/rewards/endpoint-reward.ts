// SPDX-License-Identifier: Apache-2.0
import { setTimeout as wait } from 'node:timers/promises';
import { withoutSecrets } from '@llmf/core';
import { z } from 'zod';
import type { OpenedReward, Reward, Sample, Scores } from '../contracts/reward.js';
import { rolloutsErrors } from '../rollouts-errors.js';

const endpointOptions = z.strictObject({
  url: z.url().describe('Where samples are posted as JSON: `{ samples: [{ prompt, answer, reason, ids, source }] }`.'),
  keyVariable: z
    .string()
    .min(1)
    .optional()
    .describe('Environment variable with a key, sent as `Authorization: Bearer …`; left out: none.')
    .meta({ decides: false }),
  batchSize: z.int().min(1).default(64).describe('Samples of one request.').meta({ decides: false }),
  timeoutSeconds: z.number().positive().default(60).describe('Of one request.').meta({ decides: false }),
  retries: z
    .int()
    .min(0)
    .default(3)
    .describe('Further tries after a time-out, a lost connection or status 429 or 5xx; after 1, 2, 4, … s.')
    .meta({ decides: false }),
});
type EndpointOptions = z.infer<typeof endpointOptions>;

/** A server that scores: it answers `{ "scores": [ … ] }`, one entry a sample. */
export const endpointReward: Reward = {
  name: 'endpoint',
  description: 'a server: samples are posted as JSON, it answers { "scores": […] }',
  options: endpointOptions,
  check: (_, given) => void headersOf(given as EndpointOptions),
  open(_, given): OpenedReward {
    const options = given as EndpointOptions;
    const headers = headersOf(options);
    return {
      description: `the endpoint ${withoutSecrets(options.url)}`,
      async score(samples) {
        const scores: Scores[number][] = [];
        for (let start = 0; start < samples.length; start += options.batchSize) {
          scores.push(...(await patiently(options, headers, samples.slice(start, start + options.batchSize))));
        }
        return scores;
      },
    };
  },
};

/** @throws LLMF_ROLLOUTS_KEY_MISSING */
function headersOf({ keyVariable }: EndpointOptions): Record<string, string> {
  const json = { 'content-type': 'application/json' };
  if (keyVariable === undefined) return json;
  const key = process.env[keyVariable];
  if (key === undefined || key === '') throw rolloutsErrors.keyMissing({ variable: keyVariable });
  return { ...json, authorization: `Bearer ${key}` };
}

/** A reason to try again. */
class Passing extends Error {}

/** @throws LLMF_ROLLOUTS_ENDPOINT_FAILED, …_ENDPOINT_REFUSED */
async function patiently(
  options: EndpointOptions,
  headers: Record<string, string>,
  samples: readonly Sample[],
): Promise<Scores> {
  const { retries } = options;
  for (let tried = 1; ; tried++) {
    try {
      return await asked(options, headers, samples);
    } catch (error) {
      if (!(error instanceof Passing)) throw error;
      if (tried > retries) {
        const url = withoutSecrets(options.url);
        throw rolloutsErrors.endpointFailed({ url, reason: error.message, tries: tried }, { cause: error });
      }
      await wait(1000 * 2 ** (tried - 1));
    }
  }
}

async function asked(
  { url, timeoutSeconds }: EndpointOptions,
  headers: Record<string, string>,
  samples: readonly Sample[],
): Promise<Scores> {
  const body = JSON.stringify({ samples: samples.map(written) });
  const signal = AbortSignal.timeout(1000 * timeoutSeconds);
  const { status, text } = await fetch(url, { method: 'POST', headers, body, signal })
    .then(async (response) => ({ status: response.status, text: await response.text() }))
    .catch((error: Error & { cause?: Error }) => {
      if (error.name === 'TimeoutError') throw new Passing(`no answer in ${timeoutSeconds} s`);
      throw new Passing(error.cause?.message ?? error.message);
    });
  if (status === 429 || status >= 500) throw new Passing(`status ${status}`);
  const refused = (reason: string) => rolloutsErrors.endpointRefused({ url: withoutSecrets(url), reason });
  if (status !== 200) throw refused(`status ${status}: ${text.slice(0, 200)}`);
  const scores = scoresIn(text);
  if (!Array.isArray(scores)) throw refused(text.slice(0, 200));
  if (scores.length !== samples.length) throw refused(`${scores.length} scores for ${samples.length} samples`);
  return scores as Scores;
}

const written = ({ prompt, answer, reason, ids, source }: Sample) => ({
  prompt,
  answer,
  reason,
  ids: [...ids],
  source,
});

function scoresIn(text: string): unknown {
  try {
    return (JSON.parse(text) as { scores?: unknown } | null)?.scores;
  } catch {
    return undefined;
  }
}
