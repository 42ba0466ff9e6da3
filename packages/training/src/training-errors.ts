// SPDX-License-Identifier: Apache-2.0
import { defineErrors, nearest } from '@llmf/core';

/** The first three, and how many more. */
export const some = (names: readonly string[]): string =>
  names.slice(0, 3).join(', ') + (names.length > 3 ? ` and ${names.length - 3} more` : '');

export const trainingErrors = defineErrors('training', {
  nextTokenSeen: (f: { modelType: string }) => ({
    what: 'this model sees the tokens that it would learn to predict: it is an encoder, and each target is the next token',
    got: `${f.modelType}, a loss over the tokens after each`,
    expected: 'targets that are masked in the input, or a loss of heads',
    fix: 'train a decoder on this stage; an encoder by masked tokens or as a classifier',
  }),
  lossRows: (f: { loss: string; needs: string; stage: string; rows: string }) => ({
    what: `loss ${f.loss} does not fit stage ${f.stage}`,
    where: 'loss',
    got: `rows of kind "${f.rows}"`,
    expected: `rows of kind "${f.needs}"`,
    fix: 'choose the stage that has such rows, or another loss',
  }),
  referenceNeedsRows: (f: { reference: string }) => ({
    what: `reference ${f.reference} keeps log-probs of rows that are known beforehand; this stage writes its rows while it trains`,
    where: 'reference',
    got: f.reference,
    expected: 'auto, adapter-off, copy, or the path of a model',
    fix: 'remove `reference`',
  }),
  noRoom: (f: { room: number; context: number }) => ({
    what: 'answers may be as long as the model’s whole context, which leaves no token for a prompt',
    got: `answers of up to ${f.room} tokens`,
    expected: `fewer than ${f.context}, the context of the model`,
    fix: 'let answers have fewer new tokens',
  }),
  saveDtypeOfAdapter: (f: { adapter: string; saveDtype: string }) => ({
    what: 'saveDtype is for full models; adapter files are always f32',
    where: 'saveDtype',
    got: f.saveDtype,
    expected: `auto with adapter ${f.adapter}`,
    fix: 'remove saveDtype, or train the whole model with `adapter: none`',
  }),
  lossUnits: (f: { loss: string; unit: string; got: number; count: number }) => ({
    what: `loss ${f.loss} returned another number of items than its unit has`,
    where: `compute() of ${f.loss}`,
    got: `${f.got} items`,
    expected: `${f.count}, one per ${f.unit}`,
    fix: 'return one item per unit, never a reduced value; declare `roles` and `span` in needs()',
  }),
  gradientNotFinite: (f: { step: number; norm: number; parameters: readonly string[] }) => ({
    what: `the gradient of step ${f.step} is not a finite number; nothing was changed or saved by this step`,
    where: f.parameters.length === 0 ? 'the sum of squares' : some(f.parameters),
    got: `a norm of ${f.norm}`,
    expected: 'a finite norm',
    fix: 'lower train.learningRate, look at the rows of this step, or compute with `backend.precision: f32`; earlier checkpoints are untouched',
  }),
  noGradient: (f: { updates: number; weights: readonly string[] }) => ({
    what: `no trained weight got a gradient in ${f.updates} updates: nothing would be learned`,
    where: some(f.weights),
    got: 'gradients that are zero everywhere',
    fix: 'look at the rows (`llmf check` shows what is learned of them), their weights and the options of the loss',
  }),
  nothingMoved: (f: { weights: readonly string[] }) => ({
    what: 'training ended with every weight as it was before the first update; nothing was written',
    where: some(f.weights),
    got: 'the same bits',
    fix: 'raise train.learningRate: its updates are lost in rounding',
  }),
  modelNotFinite: (f: { step: number; weight: string }) => ({
    what: `step ${f.step} gave no numbers, because a weight of the model is none; nothing was changed or saved`,
    where: `weight ${f.weight}`,
    got: 'NaN or infinity among its values',
    expected: 'finite numbers',
    fix: 'begin with another checkpoint of the model: this one is damaged, or its training went wrong',
  }),
  weightsNotFinite: (f: { weights: readonly string[] }) => ({
    what: 'trained weights are no longer finite numbers; they are not saved',
    where: some(f.weights),
    expected: 'finite numbers',
    fix: 'lower train.learningRate; earlier checkpoints are untouched: `--resume` continues from the last one',
  }),
  groupEmpty: (f: { at: number; match: string; names: readonly string[] }) => ({
    what: 'a group of parameters matches nothing that is trained',
    where: `train.groups[${f.at}].match`,
    got: f.match,
    expected: `a part of a name such as ${nearest(f.match, f.names).slice(0, 3).join(', ')}`,
    fix: 'correct it, or remove the group',
  }),
  groupPattern: (f: { at: number; match: string; reason: string }) => ({
    what: 'a group of parameters has no regular expression between its slashes',
    where: `train.groups[${f.at}].match`,
    got: `${f.match}: ${f.reason}`,
    fix: 'correct the pattern',
  }),
  headsDiffer: (f: { head: string }) => ({
    what: 'two losses ask for different heads of one name',
    where: 'loss',
    got: f.head,
    fix: 'give one of them another name, or the same outputs, place and layers',
  }),
  poolingsDiffer: (f: { poolings: readonly string[] }) => ({
    what: 'two losses ask for hidden states pooled in different ways',
    where: 'loss',
    got: f.poolings.join(' and '),
    fix: 'give both the same `pooling`',
  }),
  mismatchedRows: (_facts: object) => ({
    what: 'a loss pairs each prompt with the answer of another row, and there is no other',
    where: 'data',
    got: 'a split of one row',
    expected: 'at least two rows',
    fix: 'give more rows; a held-out split needs two as well',
  }),
  headUnused: (f: { head: string; folder: string }) => ({
    what: 'the run begins with a classifier or reward model, and none of its losses reads its head',
    where: `${f.folder}, head ${f.head}`,
    fix: 'begin with a language model, or train with a stage that has this head, such as `reward`',
  }),
  noLoss: (f: { stage: string }) => ({
    what: `stage ${f.stage} needs a loss and the config names none`,
    where: 'loss',
    expected: '`loss: { name: … }`, or a `--plugin` that brings one',
    fix: 'add `--plugin loss-simpo` (or loss-dpo, loss-orpo, …)',
  }),
  atReference: (f: { loss: string; expected: number; got: number; tolerance: number }) => ({
    what: `loss ${f.loss} does not have its known value before the first update, where policy and reference are equal`,
    where: 'step 0',
    got: String(f.got),
    expected: `${f.expected} ± ${f.tolerance} per item`,
    fix: 'the loss, its reference or the adapter is wired wrongly; do not train with it',
  }),
  batchCoupled: (f: { losses: readonly string[] }) => ({
    what: 'train.tokensPerPass would split batches of a loss whose items depend on each other',
    where: 'train.tokensPerPass',
    got: f.losses.join(', '),
    fix: 'set train.tokensPerPass: null, or choose a loss with independent items',
  }),
  nothingTrainable: (f: { adapter: string }) => ({
    what: 'no weight is trained by this adapter choice',
    where: 'adapter',
    got: f.adapter,
    fix: 'widen its targets',
  }),
  weightsDiffer: (f: { missing: readonly string[]; unknown: readonly string[]; misshapen: readonly string[] }) => ({
    what: 'saved weights are not those of this model',
    got: [
      f.missing.length > 0 ? `missing: ${f.missing.slice(0, 3).join(', ')}${f.missing.length > 3 ? ', …' : ''}` : '',
      f.unknown.length > 0 ? `unknown: ${f.unknown.slice(0, 3).join(', ')}${f.unknown.length > 3 ? ', …' : ''}` : '',
      ...f.misshapen.slice(0, 3),
    ]
      .filter(Boolean)
      .join('; '),
    fix: 'resume with the model and adapter settings that wrote them',
  }),
  dataChanged: (f: { before: string; now: string }) => ({
    what: 'the rows (of training or evaluation) are not those of the checkpoint',
    got: f.now,
    expected: f.before,
    fix: 'restore the data files, tokenizer and template of the run, or start afresh in another output folder',
  }),
  modelChanged: (f: {
    name: string;
    part: 'model' | 'adapter';
    folder: string;
    before: string | null;
    now: string | null;
  }) => ({
    what: `the ${f.part} that the checkpoint began with (${f.name}) is another one now`,
    where: f.folder,
    got: f.now ?? 'none',
    expected: f.before ?? 'none',
    fix: 'put the weights of the run back, or start afresh in another output folder',
  }),
  pagesLost: (f: { lost: number }) => ({
    what: 'weights in a file could not be read while they were computed on; what was computed since is not kept',
    got: `${f.lost} unreadable places`,
    fix: 'was the file cut, or its disk taken away? Put the model back and continue with --resume',
  }),
  referenceUnused: (f: { reference: string; losses: readonly string[] }) => ({
    what: 'a reference is chosen that no loss compares with',
    where: 'reference',
    got: `${f.reference}, with loss ${f.losses.join(' + ')}`,
    fix: 'remove `reference`, or choose a loss with a reference, such as dpo',
  }),
  referenceMissing: (f: { path: string; reason: string }) => ({
    what: 'the model to compare with cannot be found',
    where: 'reference.path',
    got: `${f.path} (${f.reason})`,
    expected: 'a model folder, or a hub id',
    fix: 'check reference.path; relative paths start from the folder of the config',
  }),
  referenceNeedsAdapter: (f: { reference: string }) => ({
    what: `reference ${f.reference} needs an adapter that can be switched off`,
    where: 'reference',
    expected: 'a fresh adapter on a frozen model',
    fix: 'use `reference: auto`, `cached` or `copy`',
  }),
  referenceNeedsFrozen: (_facts: object) => ({
    what: 'reference hydra shares the frozen weights of the policy, and every weight is trained',
    where: 'reference',
    expected: 'an adapter, or frozen layers',
    fix: 'use `reference: auto`, `cached` or `copy`, or `adapter: freeze`',
  }),
  idBeyondVocabulary: (f: { id: number; vocabulary: number; row: number }) => ({
    what: "a token id lies beyond the model's vocabulary",
    where: `row ${f.row}`,
    got: String(f.id),
    expected: `ids below ${f.vocabulary}`,
    fix: 'the tokenizer does not belong to this model, or its vocabulary was extended without resizing the embedding',
  }),
  tooLong: (f: { length: number; context: number }) => ({
    what: 'a row is longer than the model can see',
    where: 'data.maxLength',
    got: `${f.length} tokens`,
    expected: `at most ${f.context} tokens`,
    fix: `set data.maxLength: ${f.context}`,
  }),
});
