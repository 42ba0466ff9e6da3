// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

const list = (names: readonly string[], none = 'none') => (names.length === 0 ? none : names.join(', '));

/** Everything that can be wrong with the user's data, its description or its template. */
export const errors = defineErrors('data', {
  sourceNotKept: (f: { source: string; row: number }) => ({
    what: 'the columns of a row are wanted, and they are kept for prompt rows alone',
    where: `row ${f.row} of ${f.source}`,
    fix: 'ask the data for rows of kind `prompt`',
  }),
  noSource: (f: { row: number }) => ({
    what: 'the model reads prompts through its encoder, and a row has none',
    where: `row ${f.row + 1} of the split`,
    got: 'an answer without a prompt',
    fix: 'give every row a prompt, or leave such rows out',
  }),
  rowKind: (f: { got: string; known: readonly string[] }) => ({
    what: 'the stage asks for a kind of rows that the data plugin does not read',
    got: f.got,
    expected: `one of ${f.known.join(', ')}`,
    fix: 'use a data plugin that reads such rows, or another stage',
  }),
  noLabels: (_facts: object) => ({
    what: 'no row of the training data has a label',
    where: 'data.train',
    expected: 'a column label (or tags beside words) with names or numbers',
    fix: 'name the column: `columns: { label: … }`, or the labels: `stage.labels`',
  }),
  task: (f: { wanted: string; known: readonly string[] }) => ({
    what:
      f.wanted === 'none'
        ? 'an entry of the data names a task, and this stage has none'
        : 'no entry of the data is of this task',
    where: 'data.train[].task',
    got: `entries of ${f.known.join(', ')}`,
    expected: `entries of ${f.wanted}`,
    fix:
      f.wanted === 'none'
        ? 'remove `task`, or choose stage multitask'
        : `give an entry \`task: ${f.wanted}\`, or remove the task`,
  }),
  fileMissing: (f: { path: string; near: readonly string[]; isStrange?: boolean; where?: string }) => ({
    what: `No data file or folder at ${f.path}.`,
    where: f.where ?? 'data.train',
    ...(f.isStrange === true && { got: 'a device, a pipe or a socket' }),
    ...(f.near.length > 0 && { expected: `perhaps ${f.near.join(' or ')}` }),
    fix: 'Give a path that exists; relative paths start from the folder of the config.',
  }),
  pathTooLong: (f: { length: number; limit: number }) => ({
    what: 'A path of the data is longer than any system takes.',
    where: 'data.train',
    got: `${f.length} characters`,
    expected: `at most ${f.limit}`,
    fix: 'Shorten the path or the pattern.',
  }),
  noFilesMatch: (f: { pattern: string; found: readonly string[] }) => ({
    what: `No data file matches ${f.pattern}.`,
    got: `files there: ${list(f.found)}`,
    expected: 'at least one .json, .jsonl, .csv, .tsv, .parquet or .txt file',
    fix: 'Correct the pattern or the folder.',
  }),
  unknownFileType: (f: { path: string; extension: string; known: readonly string[] }) => ({
    what: `The file type ${f.extension || '(no extension)'} of ${f.path} is not one that can be read.`,
    expected: list(f.known),
    fix: 'Convert the file (e.g. to JSONL, one JSON object per line), or rename it if only its extension is wrong.',
  }),
  emptyFile: (f: { path: string }) => ({
    what: `${f.path} holds no rows.`,
    fix: 'Give a file with at least one row.',
  }),
  encoding: (f: { path: string; got: string; where?: string }) => ({
    what: `${f.path} is not UTF-8 text.`,
    ...(f.where !== undefined && { where: f.where }),
    got: f.got,
    expected: 'UTF-8, with or without a byte-order mark',
    fix: 'Save the file as UTF-8 (e.g. `iconv -f UTF-16 -t UTF-8`).',
  }),
  brokenJson: (f: { path: string; line: number; column: number; problem: string; fix?: string }) => ({
    what: `${f.path} is not valid JSON: ${f.problem}.`,
    where: `${f.path}:${f.line}:${f.column}`,
    fix: f.fix ?? 'Correct the file at this place. Nothing was trained.',
  }),
  brokenCsv: (f: { path: string; line: number; problem: string }) => ({
    what: `${f.path} is not valid CSV: ${f.problem}.`,
    where: `${f.path}:${f.line}`,
    fix: 'Correct the file at this place; a quote inside a quoted field is written twice ("").',
  }),
  brokenParquet: (f: { path: string; problem: string }) => ({
    what: `${f.path} cannot be read as Parquet: ${f.problem}.`,
    fix: 'Write or download the file again; it may be cut short.',
  }),
  pieceTooLarge: (f: { path: string; bytes: number }) => ({
    what: `${f.path} is too large to be one text (${Math.round(f.bytes / 1e6)} MB).`,
    expected: 'at most 256 MB for `pieces: file`',
    fix: 'Set `pieces: line` or `pieces: paragraph` for this entry.',
  }),
  unreadable: (f: { path: string; problem: string }) => ({
    what: `${f.path} cannot be read: ${f.problem}.`,
    fix: 'Check that the file is there and that you may read it.',
  }),
  splitMissing: (f: { path: string; split: string; found: readonly string[] }) => ({
    what: `${f.path} has no split named ${f.split}.`,
    got: list(f.found),
    fix: 'Name a split whose files are there, or leave `split` out for a single file.',
  }),
  infoBroken: (f: { path: string; name: string; problem: string }) => ({
    what: `The entry ${f.name} of ${f.path} cannot be used: ${f.problem}.`,
    fix: 'Correct the entry; its keys are those of LLaMA-Factory’s dataset_info.json.',
  }),
  infoUnknownName: (f: { path: string; name: string; near: readonly string[] }) => ({
    what: `${f.path} describes no data set named ${f.name}.`,
    expected: list(f.near),
    fix: 'Use one of the names in that file, or add the entry.',
  }),
  infoRemote: (f: { path: string; name: string; key: string; value: string; advice: string }) => ({
    what: `The data set ${f.name} is described by ${f.key}, which is not on this machine.`,
    where: f.path,
    got: `${f.key}: ${f.value}`,
    expected: 'file_name',
    fix: f.advice,
  }),
  unknownFormat: (f: { name: string; near: readonly string[] }) => ({
    what: `No data format is named ${f.name}.`,
    expected: list(f.near),
    fix: 'Use one of these names, or leave `format` out to have it detected.',
  }),
  noRowRead: (f: { path: string; rows: number; reason: string }) => ({
    what: `None of the first rows of ${f.path} can be read.`,
    where: 'data',
    got: `${f.rows} row${f.rows === 1 ? '' : 's'}; of the first one: ${f.reason}`,
    fix: 'Correct the file. Nothing was trained.',
  }),
  formatUndetected: (f: { path: string; columns: readonly string[]; formats: readonly string[] }) => ({
    what: `The format of ${f.path} was not recognised from its columns.`,
    got: `columns: ${list(f.columns)}`,
    expected: `the columns of one of: ${list(f.formats)}`,
    fix: 'Name the columns, e.g. `columns: { prompt: question, response: answer }`, or state `format`.',
  }),
  unknownColumn: (f: { path: string; role: string; column: string; near: readonly string[] }) => ({
    what: `Column ${f.column} (for ${f.role}) is not in ${f.path}.`,
    expected: list(f.near),
    fix: `Correct \`columns.${f.role}\`.`,
  }),
  columnUnused: (f: { path: string; role: string; format: string; roles: readonly string[] }) => ({
    what: `Format ${f.format} has no column for ${f.role}.`,
    where: f.path,
    expected: list(f.roles),
    fix: `Remove \`columns.${f.role}\`, or state another \`format\`.`,
  }),
  tagsUnused: (f: { path: string; format: string }) => ({
    what: `Tags name the keys of chat messages; format ${f.format} has none.`,
    where: f.path,
    fix: 'Remove `tags`, or state `format: sharegpt` or `format: openai`.',
  }),
  wrongRows: (f: { path: string; has: string; wants: string }) => ({
    what: `The stage needs ${f.wants}, but ${f.path} has ${f.has}.`,
    fix: 'Use another data file or another `stage`, or name the columns in `columns`.',
  }),
  noRows: (f: { split: string; seen: number; reasons: readonly string[] }) => ({
    what: `No row of the ${f.split} data can be used.`,
    got: `${f.seen} rows read; dropped because: ${list(f.reasons, 'there were none')}`,
    fix: 'See data-report.jsonl in the output folder for every row; `llmf check` shows the same without training.',
  }),
  splitTooLarge: (f: { split: number; rows: number }) => ({
    what: `data.eval.split takes ${f.split} of ${f.rows} rows, which leaves none to train on, or none to evaluate on.`,
    expected: 'a number of rows below the number there are, or a share between 0 and 1 that is at least one row',
    fix: 'Change data.eval.split or give more rows.',
  }),
  tokenizerMissing: (f: { folder: string }) => ({
    what: `There is no tokenizer in ${f.folder}.`,
    expected: 'tokenizer.json (and tokenizer_config.json)',
    fix: 'Copy the tokenizer files beside the weights, or set data.tokenizer to the folder that has them.',
  }),
  tokenizerBroken: (f: { path: string; problem: string }) => ({
    what: `The tokenizer ${f.path} cannot be loaded: ${f.problem}.`,
    fix: 'Download tokenizer.json again; SentencePiece .model and .tiktoken files are not read, only tokenizer.json.',
  }),
  tokenizerUnsupported: (f: { path: string; part: string; because: string }) => ({
    what: `The tokenizer ${f.path} has a part that is not computed here, so its ids would be wrong.`,
    got: `${f.part}: ${f.because}`,
    fix: 'Use another model folder, or correct tokenizer.json at this part. Nothing was trained.',
  }),
  loneSurrogate: (f: { text: string; at: number }) => ({
    what: 'A text holds half of a character, which no tokenizer can read.',
    got: `U+${f.text.charCodeAt(f.at).toString(16).toUpperCase()} at character ${f.at}: ${JSON.stringify(f.text.slice(Math.max(0, f.at - 10), f.at + 10))}`,
    expected: 'Unicode text: both halves of a pair (\\ud83d\\ude42), or neither',
    fix: 'Correct the text where it was written; it was probably cut in the middle of a character.',
  }),
  noToken: (f: { folder: string; text: string; problem: string }) => ({
    what: 'The tokenizer has no ids for a text.',
    where: f.folder,
    got: `${f.problem}; in ${JSON.stringify(f.text.length > 60 ? `${f.text.slice(0, 60)}…` : f.text)}`,
    fix: 'Use texts that the vocabulary can write, or a tokenizer with an unknown token.',
  }),
  newToken: (f: { folder: string; text: string; problem: string }) => ({
    what: 'A text cannot become a new token.',
    where: f.folder,
    got: `${JSON.stringify(f.text)}: ${f.problem}`,
    expected: 'texts that are no token yet, each once',
    fix: 'Leave it out: what is a token already needs no new one.',
  }),
  unknownTemplate: (f: { name: string; near: readonly string[] }) => ({
    what: `No chat template is named ${f.name}.`,
    expected: list(f.near),
    fix: 'Use one of these names, `auto` for the tokenizer’s own, `none`, or the path of a .jinja file.',
  }),
  templateBroken: (f: { name: string; problem: string }) => ({
    what: `The chat template ${f.name} cannot be used: ${f.problem}.`,
    fix: 'Correct the template, or choose a named one with data.template.',
  }),
  templateRefuses: (f: { name: string; problem: string }) => ({
    what: `The chat template ${f.name} cannot write this chat: ${f.problem}.`,
    fix: 'Give the turns that the template asks for (a system turn, say), or choose another with data.template or --template.',
  }),
  templateMismatch: (f: {
    template: string;
    missing: readonly string[];
    tokenizer: string;
    fitting: readonly string[];
  }) => ({
    what: `The chat template ${f.template} writes special tokens that the tokenizer does not have.`,
    where: f.tokenizer,
    got: `not in the vocabulary: ${list(f.missing)}`,
    expected: `a template that fits, e.g. ${list(f.fitting, 'plain')}`,
    fix: `Set data.template to ${f.fitting[0] ?? 'plain'}, or use the tokenizer that belongs to the template.`,
  }),
  idOutOfRange: (f: { path: string; row: number; id: number; vocabulary: number }) => ({
    what: `Row ${f.row} of ${f.path} holds token id ${f.id}, which the model does not have.`,
    expected: `0 … ${f.vocabulary - 1} (vocab_size of config.json)`,
    fix: 'Use the tokenizer (or the token ids) that belongs to this model; data.tokenizer names its folder.',
  }),
  optionUnfit: (f: { option: string; value: string; because: string; fix: string }) => ({
    what: `data.${f.option}: ${f.value} has no meaning here: ${f.because}.`,
    fix: f.fix,
  }),
  cacheWrite: (f: { folder: string; problem: string }) => ({
    what: `The tokenized data cannot be written to ${f.folder}: ${f.problem}.`,
    fix: 'Free disk space there, or set data.cache to a folder on a disk with room.',
  }),
  cacheRead: (f: { folder: string; problem: string }) => ({
    what: `The tokenized data in ${f.folder} cannot be read: ${f.problem}.`,
    fix: 'Look at the disk and at the permissions. Without the folder it is built again from the sources.',
  }),
  cacheLost: (f: { path: string; problem: string }) => ({
    what: `The tokenized data ${f.path} changed while it was read: ${f.problem}.`,
    fix: 'Start again (with --resume): it is rebuilt from the sources.',
  }),
  workerFailed: (f: { problem: string }) => ({
    what: `A tokenizing worker failed: ${f.problem}.`,
    fix: 'Set data.workers to 0 to tokenize in the main thread, which names the row.',
  }),
  extraMissing: (f: { name: string; row: number }) => ({
    what: `Row ${f.row} has no number in column ${f.name}, which others of the batch have.`,
    fix: 'Fill the column in every row, or leave it out of all.',
  }),
});
