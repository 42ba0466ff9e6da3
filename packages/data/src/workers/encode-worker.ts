// SPDX-License-Identifier: Apache-2.0
/** The worker's side: loads tokenizer and template once, then encodes blocks of rows as they come. */
import { parentPort, workerData } from 'node:worker_threads';
import { encodeBlock } from '../encode/encode-block.js';
import { Encoder } from '../encode/encoder.js';
import { builtInFormats } from '../formats/index.js';
import { chooseTemplate } from '../templates/choose.js';
import { Tokenizer } from '../tokenizer.js';
import { packFailure, unpackRows, type EncodeJob, type EncodeReply, type WorkerSetup } from './encode-jobs.js';

const setup = workerData as WorkerSetup;
const port = parentPort!;
const encoder = makeEncoder();

port.on('message', (job: EncodeJob) => {
  encode(job).then(
    (block) => port.postMessage({ id: job.id, block } satisfies EncodeReply, [block.records.buffer as ArrayBuffer]),
    (error: unknown) => port.postMessage({ id: job.id, failure: packFailure(error) } satisfies EncodeReply),
  );
});

async function makeEncoder(): Promise<Encoder> {
  const tokenizer = await Tokenizer.load(setup.tokenizerFolder);
  const template = await chooseTemplate(setup.templateName, tokenizer, setup.folder);
  return new Encoder(tokenizer, template, setup.encoding);
}

async function encode(job: EncodeJob) {
  const { path, plan } = setup.files[job.file]!;
  const format = builtInFormats.find(({ name }) => name === plan.format)!;
  const block = encodeBlock(
    { firstRow: job.firstRow, rows: unpackRows(job) },
    {
      path,
      file: { format, plan },
      wanted: setup.wanted,
      encoder: await encoder,
      vocabulary: setup.vocabulary,
      transforms: [],
    },
  );
  // A copy of its own: small buffers share memory that cannot be handed over.
  return { ...block, records: Uint8Array.from(block.records) };
}
