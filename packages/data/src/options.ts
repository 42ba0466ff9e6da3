// SPDX-License-Identifier: Apache-2.0
import { section } from '@llmf/core';
import { z } from 'zod';
import { columnRoles } from './formats/columns.js';

const columns = z
  .partialRecord(z.enum(columnRoles), z.string().min(1))
  .describe('Names of the file’s columns by what they hold, e.g. { prompt: question, response: answer }.');

const tags = z
  .strictObject({
    role: z.string().optional().describe('Key of a message’s role; default `from` (sharegpt) or `role` (openai).'),
    content: z.string().optional().describe('Key of a message’s text; default `value` or `content`.'),
    user: z.string().optional().describe('Role of the user; default `human` or `user`.'),
    assistant: z.string().optional().describe('Role of the assistant; default `gpt` or `assistant`.'),
    observation: z.string().optional().describe('Role of a tool’s result; default `observation` or `tool`.'),
    function: z.string().optional().describe('Role of a function call; default `function_call`.'),
    system: z.string().optional().describe('Role of the system prompt; default `system`.'),
  })
  .describe('Keys and roles of chat messages where they differ from the format’s.');

/** One entry of `data.train` or `data.eval`. */
export const sourceOptions = z.strictObject({
  path: z
    .string()
    .min(1)
    .optional()
    .describe('A file, a folder or a glob, relative to the config’s folder.')
    .meta({ decides: 'content' }),
  dataset: z.string().min(1).optional().describe('Instead of `path`: a name in LLaMA-Factory’s dataset_info.json.'),
  infoFile: z
    .string()
    .min(1)
    .optional()
    .describe('The dataset_info.json that `dataset` is looked up in; default data/dataset_info.json.')
    .meta({ decides: 'content' }),
  format: z.string().min(1).optional().describe('Name of the row format; detected from the columns when left out.'),
  columns: columns.optional(),
  tags: tags.optional(),
  weight: z.number().positive().optional().describe('Share of this entry in an interleaved mixture; default 1.'),
  samples: z
    .int()
    .min(1)
    .optional()
    .describe('Rows to take of this entry, drawn at random; more than there are repeats rows.'),
  split: z.string().min(1).optional().describe('Takes the files of this split from a folder, e.g. train or test.'),
  task: z.string().min(1).optional().describe('The task of stage multitask that these rows are of.'),
  pieces: z.enum(['line', 'paragraph', 'file']).optional().describe('What one row of a text file is; default line.'),
});
export type SourceOptions = z.infer<typeof sourceOptions>;

/** `data:` of the config. */
export const dataOptions = z.strictObject({
  train: z.array(sourceOptions).min(1).describe('Training data: files or described data sets.'),
  eval: z
    .union([
      z.strictObject({
        split: z.number().positive().describe('A share below 1, or a number of rows, held out from `train`.'),
      }),
      z.array(sourceOptions).min(1),
    ])
    .nullable()
    .default(null)
    .describe('Held-out data: `{ split: 0.1 }` or files; null: none.'),
  tokenizer: z
    .string()
    .nullable()
    .default(null)
    .describe('Folder of tokenizer.json; null: the model’s folder.')
    .meta({ decides: 'content' }),
  template: z
    .string()
    .default('auto')
    .describe('Chat template: auto (the tokenizer’s own), none, a name, or the path of a .jinja file.'),
  systemPrompt: z.string().nullable().default(null).describe('System prompt of rows that have none.'),
  maxLength: z
    .int()
    .min(2)
    .nullable()
    .default(null)
    .describe('Tokens of a prompt with its longest answer; null: 1,024, or fewer where the model sees fewer.'),
  truncation: z
    .enum(['keepStart', 'keepEnd', 'proportional'])
    .default('keepStart')
    .describe('What a row above maxLength keeps: its start, its end, or prompt and answer in proportion.'),
  shuffle: z.boolean().default(true).describe('Draw the training rows in random order, another each epoch.'),
  trainOnPrompt: z.boolean().default(false).describe('Supervised rows: learn the prompt’s tokens too.'),
  maskHistory: z.boolean().default(false).describe('Supervised chats: learn the last answer only.'),
  maxSamples: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe('Uses at most the first so many rows of each training entry.'),
  maxEvalSamples: z.int().min(1).nullable().default(null).describe('Evaluates at most so many rows.'),
  promptOnce: z.boolean().default(true).describe('Run a prompt once for all its answers; false: once per answer.'),
  mixture: z
    .enum(['concat', 'interleaveUnder', 'interleaveOver'])
    .default('concat')
    .describe(
      'Several entries: all rows once; or drawn by weight until the first (Under) or the last (Over) is used up.',
    ),
  cache: z
    .string()
    .min(1)
    .default('.llmf-cache/data')
    .describe('Folder of the tokenized data, relative to the config’s folder, or `off`.')
    .meta({ decides: false }),
  workers: z
    .union([z.literal('auto'), z.int().min(0)])
    .default('auto')
    .describe('Threads that tokenize; auto: only where it pays; 0: none.')
    .meta({ decides: false }),
});
export type DataOptions = z.infer<typeof dataOptions>;

/** `data:` of the config. */
export const dataOptionsSection = section<DataOptions>('data', '@llmf/data');
