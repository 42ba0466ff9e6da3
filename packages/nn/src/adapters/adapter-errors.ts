// SPDX-License-Identifier: Apache-2.0
import { defineErrors, nearest } from '@llmf/core';

export const adapterErrors = defineErrors('nn', {
  unknownTarget: (f: { target: string; known: readonly string[] }) => ({
    what: 'adapter.targets names no linear layer of this model',
    where: 'adapter.targets',
    got: f.target,
    expected: `all, a /pattern/, or some of: ${nearest(f.target, f.known).join(', ')}`,
    fix: 'use one of these names',
  }),
  unknownBlock: (f: { block: number; blocks: number }) => ({
    what: 'adapter.layers names a block that this model has not',
    where: 'adapter.layers',
    got: String(f.block),
    expected: `0 to ${f.blocks - 1}`,
    fix: 'count blocks from 0',
  }),
  adapterOption: (f: { option: string; got: string; saved: string; folder: string }) => ({
    what: `adapter.${f.option} asks for something else than the adapter to continue from`,
    where: `adapter.${f.option}`,
    got: f.got,
    expected: `${f.saved}, as in ${f.folder}`,
    fix: `leave adapter.${f.option} out: the folder's holds`,
  }),
  adapterFile: (f: { path: string; problem: string; option: string; expected?: string }) => ({
    what: 'the adapter does not fit',
    where: f.path,
    got: f.problem,
    ...(f.expected === undefined ? {} : { expected: f.expected }),
    fix: `give ${f.option} a PEFT folder that was made for this model`,
  }),
  adapterKind: (f: { file: string; got: string; known: readonly string[] }) => ({
    what: 'no adapter kind reads this adapter',
    where: `${f.file}, peft_type`,
    got: f.got,
    expected: `one of those that ${f.known.join(', ')} read`,
    fix: 'load the plugin that brings its kind with --plugin, or merge it into the model with PEFT (merge_and_unload)',
  }),
  adapterKey: (f: { file: string; key: string; got: string; expected: string; fix: string }) => ({
    what: 'the adapter says something that llmf does not compute; without it every result would be another',
    where: `${f.file}, ${f.key}`,
    got: f.got,
    expected: f.expected,
    fix: f.fix,
  }),
  adapterPickled: (f: { file: string }) => ({
    what: 'the adapter is a pickle, which is a program rather than data, and is not run',
    where: f.file,
    expected: 'adapter_model.safetensors beside adapter_config.json',
    fix: 'save it as safetensors first: in Python, save_file(torch.load("adapter_model.bin", weights_only=True), "adapter_model.safetensors") with safetensors.torch',
  }),
  adapterFrozen: (f: { folder: string; layer: string }) => ({
    what: 'the adapter to continue from changes layers that are kept frozen here',
    where: f.folder,
    got: f.layer,
    expected: 'only layers that are trained',
    fix: 'thaw that part of the model by the options of the plugin that freezes it, such as vision.freeze',
  }),
  adapterTied: (f: { table: string }) => ({
    what: 'the adapter changes the embeddings and not the head, which are one weight in the files of this model',
    where: f.table,
    expected: 'an adapter that changes both, or a model whose head is a weight of its own',
    fix: 'keep the adapter beside the model: llmf generate --adapter, or PEFT, read it as it is',
  }),
  noModules: (f: { modelType: string }) => ({
    what: 'modules of this model cannot be trained whole by an adapter, nor its embeddings',
    where: 'adapter',
    got: f.modelType,
    expected: 'an architecture that tells its modules (Model.tree), as all that are built from the kit of nn do',
    fix: 'leave modulesToSave, trainableTokens and embeddings among the targets out',
  }),
  trainedToken: (f: { got: string; limit: number }) => ({
    what: 'adapter.trainableTokens names no token of this model',
    where: 'adapter.trainableTokens',
    got: f.got,
    expected: `an id from 0 to ${f.limit - 1}, each once, or a text that is one token`,
    fix: 'look the id up in tokenizer.json',
  }),
  changedTwice: (f: { module: string; ways: string }) => ({
    what: 'the adapter changes one module in two ways',
    where: f.module,
    got: f.ways,
    expected: 'one of them',
    fix: 'leave the module out of adapter.targets, adapter.trainableTokens or adapter.modulesToSave',
  }),
  unknownModule: (f: { option: string; module: string; known: readonly string[] }) => ({
    what: `adapter.${f.option} names nothing in this model`,
    where: `adapter.${f.option}`,
    got: f.module,
    expected: `some of: ${nearest(f.module, f.known).join(', ')}`,
    fix: 'use one of these names',
  }),
});
