// SPDX-License-Identifier: Apache-2.0
import { defineErrors, formatNumber } from '@llmf/core';

/** What goes wrong around a command rather than in it. */
export const cliErrors = defineErrors('cli', {
  notProfiled: (f: { backend: string }) => ({
    what: 'this backend cannot be profiled',
    where: '--profile',
    got: f.backend,
    fix: 'use `backend: cpu`, or train without --profile',
  }),
  usage: (f: { problem: string; command: string; meant?: string | null }) => ({
    what: f.problem,
    expected: f.meant ? `perhaps ${f.meant}` : undefined,
    fix: `see \`${f.command} --help\``,
  }),
  notCombined: (f: { adapter: string; kind: string }) => ({
    what: 'several adapters are combined, and one of them is no LoRA by itself',
    where: `--adapter ${f.adapter}`,
    got: `adapter ${f.kind}, or one with a head`,
    expected: 'LoRAs of language models',
    fix: 'merge this one into the model alone, and combine the others',
  }),
  pooling: (f: { folder: string; got: string }) => ({
    what: 'the folder makes vectors of its texts in a way that is not computed here',
    where: `${f.folder}, modules.json`,
    got: f.got,
    expected: 'Transformer, Pooling (mean, cls or lasttoken) and Normalize',
    fix: 'choose one with --pooling after removing modules.json, or use the folder with sentence-transformers',
  }),
  foreignConfig: (f: {
    tool: string;
    where: string | undefined;
    keys: readonly string[];
    others: readonly string[];
    /** Its name behind --from, where it is read as it is. */
    from: string | null;
  }) => ({
    what: `this looks like a config of ${f.tool}; its keys are called otherwise here:\n${f.keys.map((key) => `    ${key}`).join('\n')}`,
    where: f.where,
    got: f.others.length === 0 ? undefined : `also, not in that table: ${f.others.join(', ')}`,
    fix: `${f.from === null ? '' : `run it as it is with \`llmf train --from ${f.from}\`, or make a config of it with \`llmf import --from ${f.from}\`; or `}write the right side into llmf.yaml, or behind \`llmf train\`; docs/coming-from.md, section ${f.tool}, says what differs, and which defaults do`,
  }),
  system: (f: { reason: string; path?: string | undefined; hint: string }) => ({
    what: 'the system refused',
    where: f.path,
    got: f.reason,
    fix: f.hint,
  }),
  notMerged: (_facts: object) => ({
    what: 'this adapter cannot be merged into the weights',
    where: '--adapter',
    expected: 'an adapter that changes linear layers, such as LoRA',
    fix: 'use it with --adapter instead',
  }),
  noLayout: (f: { format: string; known: readonly string[] }) => ({
    what: 'there is no layout of model folders for weights in this format',
    where: '--format',
    got: f.format,
    expected: `one of ${f.known.join(', ')}`,
    fix: 'choose one of these; `quantization` of a config takes any format',
  }),
  readBack: (f: { folder: string; weight: string }) => ({
    what: 'a weight of the new folder reads back as another; the folder was not made',
    where: f.folder,
    got: f.weight,
    fix: 'check the disk, and write it again',
  }),
  tokenReadBack: (f: { token: string; id: number; got: string }) => ({
    what: 'a new token is not found in a text by the new tokenizer; the folder was not made',
    where: f.token,
    got: `ids ${f.got}`,
    expected: `id ${f.id} alone`,
    fix: 'choose a text that the tokenizer does not rewrite or cut: --special takes it as it is',
  }),
  folderGone: (f: { reason: string }) => ({
    what: 'the current folder is not there any more',
    got: f.reason,
    fix: 'go to a folder that exists (cd)',
  }),
  outputLost: (f: { reason: string }) => ({
    what: 'what the command prints could not be written to its standard output',
    got: f.reason,
    fix: 'make room where it goes, and start the command again',
  }),
  mergeDiffers: (f: { text: string; dtype: string; tolerance: number }) => ({
    what: 'the merged model, read back, differs from model and adapter; the folder was not made',
    got: f.text,
    expected: `at most ${formatNumber(f.tolerance)} of the largest, which ${f.dtype} explains`,
    fix: 'write more bits with --dtype F32; if they differ then too, report it',
  }),
  tokensOfClassifier: (f: { model: string }) => ({
    what: 'a reward model or classifier scores whole answers and has no log-probabilities of tokens',
    where: '--tokens',
    got: f.model,
    fix: 'leave --tokens out, or give a language model',
  }),
  noGuide: (f: { folder: string; heads: readonly string[]; guides: readonly string[] }) => ({
    what: 'nothing can steer this model',
    where: '--guide',
    got: `heads ${f.heads.join(', ') || '(none)'} in ${f.folder}; guides ${f.guides.join(', ') || '(none)'}`,
    expected: 'heads that a guide of a loaded plugin reads',
    fix: 'train the heads first, as stage `ilql` does, and load the plugin that brought them (`--plugin algo-ilql`)',
  }),
  classifierAnswers: (f: { folder: string }) => ({
    what: 'a reward model or classifier writes no answers',
    where: f.folder,
    expected: 'a language model, or an adapter of one',
    fix: 'use `llmf score` for the scores of this one',
  }),
  scoreNotFinite: (f: { row: number; got: number; weight: string | null }) => ({
    what: 'a log-probability or score is not a finite number',
    where: f.weight === null ? `row ${f.row}` : `row ${f.row}; weight ${f.weight}, which is not all finite numbers`,
    got: String(f.got),
    fix: 'use an earlier checkpoint; if all weights are numbers, try --precision f32',
  }),
  heapNearlyFull: (f: { used: string; limit: string }) => ({
    what: 'the memory for JavaScript values is nearly used up; when it is, Node.js ends this process ("heap out of memory")',
    got: f.used,
    expected: `less than its limit of ${f.limit}`,
    fix: 'start with NODE_OPTIONS=--max-old-space-size=8192 (MiB) if the machine has them; a run continues with --resume',
  }),
  outOfMemory: (f: { reason: string }) => ({
    what: 'there is not enough memory',
    got: f.reason,
    fix: 'lower train.tokensPerPass, use an adapter, a smaller model or train.gradientCheckpointing',
  }),
});

/** Our own faults. */
export const cliFaults = defineErrors(
  'cli',
  {
    unexpected: (f: { reason: string }) => ({ what: `llmf itself failed: ${f.reason}` }),
  },
  2,
);
