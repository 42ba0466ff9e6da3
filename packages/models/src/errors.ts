// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

const shapeText = (shape: readonly number[]) => `[${shape.join(', ')}]`;

export const modelErrors = defineErrors('models', {
  folderMissing: (f: { path: string; from: string; got?: string }) => ({
    what: 'there is no model folder at this path',
    where: f.path,
    got: `${f.got ?? 'nothing'} (relative paths start from ${f.from})`,
    expected: 'a folder with config.json and safetensors weights, or a Hugging Face hub id such as owner/name',
    fix: 'check the path that was given as the model (model.path of a config, --model of a command)',
  }),
  hubId: (f: { path: string }) => ({
    what: 'this is neither a folder nor a hub id',
    where: f.path,
    expected: 'a folder, or owner/name or owner/name@revision in letters, digits, -, _ and .',
    fix: 'check model.path',
  }),
  hubFailed: (f: { id: string; reason: string }) => ({
    what: 'the model could not be fetched from the Hugging Face hub',
    where: f.id,
    got: f.reason,
    fix: 'check the connection and start again: what has arrived is kept; or give the path of a local folder',
  }),
  hubUnknown: (f: { id: string; said: string }) => ({
    what: 'the model is no local folder, and the hub knows none of this name',
    where: f.id,
    got: `status 404${f.said}`,
    fix: 'check the name and the revision',
  }),
  hubRefused: (f: { id: string; said: string; page: string; hasToken: boolean }) => ({
    what: 'the hub does not open this model: it is gated or private, or there is none of this name',
    where: f.id,
    got: `a refusal ${f.hasToken ? 'of the token' : 'of a request without token'}${f.said}`,
    fix: `check the name, accept the conditions on ${f.page}, and set HF_TOKEN to a token of your account`,
  }),
  hubOffline: (f: { id: string; cache: string; missing: string }) => ({
    what: 'the model is not in the cache, and HF_HUB_OFFLINE forbids to fetch it',
    where: f.id,
    got: `${f.missing} is missing in ${f.cache}`,
    fix: 'unset HF_HUB_OFFLINE once, or give the path of a local folder',
  }),
  hubName: (f: { id: string; kind: string; got: string }) => ({
    what: `the hub gives a ${f.kind} that could leave the cache folder`,
    where: f.id,
    got: JSON.stringify(f.got.slice(0, 200)),
    fix: 'do not use this repository; nothing of it was written',
  }),
  hubAnswer: (f: { id: string; got: string; expected: string }) => ({
    what: 'the hub’s answer cannot be understood',
    where: f.id,
    got: f.got,
    expected: f.expected,
    fix: 'check HF_ENDPOINT, or give the path of a local folder',
  }),
  hubContent: (f: { id: string; file: string; got: string; expected: string }) => ({
    what: 'a file came with other bytes than the hub announces',
    where: `${f.id}, ${f.file}`,
    got: f.got,
    expected: f.expected,
    fix: 'nothing of it was kept: try again; if it stays so, a proxy between changes files or the repository is damaged',
  }),
  configUnreadable: (f: { file: string; reason: string }) => ({
    what: 'the config.json of the model cannot be read',
    where: f.file,
    got: f.reason,
    fix: 'check that the path given as the model is a Hugging Face model folder',
  }),
  generationConfig: (f: { where: string; got: string; expected: string }) => ({
    what: 'generation_config.json has something wrong',
    where: f.where,
    got: f.got,
    expected: f.expected,
    fix: 'mend the file, or remove it: flags can say the same',
  }),
  configCount: (f: { file: string; key: string; got: number; limit: number }) => ({
    what: 'config.json asks for more layers or experts than any model has',
    where: `${f.file}, ${f.key}`,
    got: String(f.got),
    expected: `at most ${f.limit}`,
    fix: 'check the number; fetch the file again',
  }),
  modelType: (f: { file: string; got: string }) => ({
    what: 'config.json names no model_type',
    where: f.file,
    got: f.got,
    expected: '"model_type": "llama" or another known architecture',
    fix: 'check that the path given as the model is a Hugging Face model folder',
  }),
  weightMissing: (f: {
    folder: string;
    tensor: string;
    shape: readonly number[];
    nearest: readonly string[];
    more: number;
  }) => ({
    what: `the checkpoint lacks a weight that its config asks for${f.more > 0 ? ` (and ${f.more} more)` : ''}`,
    where: f.folder,
    got: f.nearest.length > 0 ? `no such name; similar ones: ${f.nearest.join(', ')}` : 'no such name',
    expected: `${f.tensor} ${shapeText(f.shape)}`,
    fix: 'check that config.json belongs to these weights',
  }),
  weightUnexpected: (f: { folder: string; tensor: string; shape: readonly number[]; more: number }) => ({
    what: `the checkpoint holds a weight that its config does not ask for${f.more > 0 ? ` (and ${f.more} more)` : ''}`,
    where: f.folder,
    got: `${f.tensor} ${shapeText(f.shape)}`,
    expected: 'only weights of the architecture named in config.json',
    fix: 'check that config.json belongs to these weights; leaving a weight out would change every result',
  }),
  weightShape: (f: { folder: string; tensor: string; got: readonly number[]; expected: readonly number[] }) => ({
    what: 'a weight does not have the shape that config.json says',
    where: `${f.folder}, tensor ${f.tensor}`,
    got: shapeText(f.got),
    expected: shapeText(f.expected),
    fix: 'check that config.json belongs to these weights',
  }),
  weightDtype: (f: { folder: string; tensor: string; got: string }) => ({
    what: 'a weight is stored in a form that is no floating-point number',
    where: `${f.folder}, tensor ${f.tensor}`,
    got: f.got,
    expected: 'F32, F16, BF16 or F64',
    fix: 'use the unquantized checkpoint',
  }),
  trainedInFormat: (f: { folder: string; format: string; weights: number }) => ({
    what: `no weight is kept in ${f.format}: every one that is meant is trained, and trained weights are float32`,
    where: f.folder,
    got: `${f.weights} weights, all trained`,
    expected: 'frozen weights: an adapter beside them, or some blocks left frozen',
    fix: 'use `adapter: lora`, or leave `quantization` out',
  }),
  grownPacked: (f: { weight: string; format: string }) => ({
    what: 'tokens are added to models whose weights are plain numbers, and this one keeps some in fewer bits',
    where: f.weight,
    got: f.format,
    expected: 'a model in f32, f16 or bf16',
    fix: 'add the tokens to the model that was quantized, then quantize it: `llmf quantize --model ./with-tokens`',
  }),
  trainedPacked: (f: { folder: string; tensor: string; format: string }) => ({
    what: 'a weight that is to be trained is kept in fewer bits by its file, and trained weights are float32',
    where: `${f.folder}, tensor ${f.tensor}`,
    got: f.format,
    expected: 'frozen weights: an adapter beside them, or only unquantized blocks trained',
    fix: 'use `adapter: lora`; or write an unquantized folder first: `llmf quantize --format bf16`',
  }),
  quantMethod: (f: { folder: string; got: string; known: readonly string[] }) => ({
    what: 'the folder is quantized in a way that llmf does not read',
    where: `${f.folder}, config.json, quantization_config.quant_method`,
    got: f.got,
    expected: f.known.length > 0 ? `one of ${f.known.join(', ')}` : 'weights that are not quantized',
    fix: 'use the unquantized model with `quantization: nf4`, or a folder quantized otherwise',
  }),
  packedTwice: (f: { folder: string; tensor: string; got: string; asked: string }) => ({
    what: 'weights that their file keeps in fewer bits would be rounded a second time',
    where: `${f.folder}, tensor ${f.tensor}`,
    got: `${f.got} in the file, \`quantization: ${f.asked}\``,
    expected: 'one of both',
    fix: 'leave `quantization` out; f32 or bf16 expand the weights',
  }),
  weightNotFinite: (f: { where: string; tensor: string; got: string; fix: string }) => ({
    what: 'a weight is not a finite number: every result would be NaN',
    where: `${f.where}, tensor ${f.tensor}`,
    got: f.got,
    expected: 'finite numbers',
    fix: f.fix,
  }),
  readBack: (f: { file: string; tensor: string; got: string; expected: string }) => ({
    what: 'the weights that were written read back as others; nothing that was there before is replaced',
    where: `${f.file}, tensor ${f.tensor}`,
    got: f.got,
    expected: f.expected,
    fix: 'check the disk, choose another output folder, and continue with --resume',
  }),
  filesChanged: (f: { file: string }) => ({
    what: 'a weight file was changed, cut or removed while it was in use; what was computed since is not kept',
    where: f.file,
    expected: 'the file that was loaded',
    fix: 'put the model back as it was and continue with --resume; write other models into other folders',
  }),
  weightTooLarge: (f: { where: string; tensor: string; got: string; dtype: string; largest: string }) => ({
    what: `a weight is beyond the numbers that ${f.dtype} holds`,
    where: `${f.where}, tensor ${f.tensor}`,
    got: f.got,
    expected: `at most ${f.largest} in size`,
    fix: 'write bf16 or f32 instead (saveDtype of a run, --dtype of `llmf merge`)',
  }),
  tiedWeightsDiffer: (f: { folder: string; tensor: string; tied: string }) => ({
    what: 'config.json says that two weights are one, but the checkpoint holds different values',
    where: f.folder,
    got: `${f.tensor} differs from ${f.tied}`,
    expected: 'equal values, or "tie_word_embeddings": false',
    fix: 'set tie_word_embeddings to what the model was trained with',
  }),
  classifierHead: (f: { folder: string; weight: string; got: readonly number[] | null; labels: number | null }) => ({
    what: 'the folder of a classifier holds another head than its config says',
    where: `${f.folder}, ${f.weight}`,
    got: f.got === null ? 'no such weight' : shapeText(f.got),
    expected: f.labels === null ? '[labels, hidden size]' : `${f.labels} rows, one per label of id2label`,
    fix: 'check that config.json belongs to these weights',
  }),
  noLanguageHead: (f: { folder: string }) => ({
    what: 'this model has no language-model head: it is a classifier or a reward model and gives no probabilities of tokens',
    where: f.folder,
    got: 'a folder of …ForSequenceClassification or …ForTokenClassification, or a model that is read by its heads alone',
    expected: 'a language model',
    fix: 'give the folder of a language model; `llmf score` gives the scores of this one',
  }),
  noClassifier: (f: { modelType: string }) => ({
    what: 'a classifier cannot be made of this encoder–decoder',
    where: 'model.path',
    got: `model_type ${f.modelType}, whose classifiers in Transformers read the text twice and have another head`,
    expected: 'a decoder (llama, qwen2, gpt_neox, …) or an encoder (bert, roberta, …)',
    fix: 'stage reward gives it a score beside its language model; for classes take another model',
  }),
  vocabulary: (f: { tokenizer: string; tokens: number; vocabulary: number }) => ({
    what: 'the tokenizer has more tokens than the model has embeddings',
    where: f.tokenizer,
    got: `ids up to ${f.tokens - 1}`,
    expected: `at most ${f.vocabulary - 1} (vocab_size ${f.vocabulary})`,
    fix: `set vocab_size to at least ${f.tokens} in the config`,
  }),
  tokenizerMissing: (f: { folder: string; found: readonly string[] }) => ({
    what: 'the folder holds no tokenizer.json',
    where: f.folder,
    got: f.found.length > 0 ? f.found.join(', ') : 'an empty folder',
    fix: 'give a folder with tokenizer.json (older slow tokenizers must be converted first)',
  }),
});

/** Faults in code, not in what the user gave. */
export const modelFaults = defineErrors(
  'models',
  {
    parameterUntabled: (f: { name: string }) => ({
      what: 'an architecture takes a weight that its table does not list',
      got: f.name,
      fix: 'add it to `weights`',
    }),
  },
  2,
);
