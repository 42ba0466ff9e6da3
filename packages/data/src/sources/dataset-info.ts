// SPDX-License-Identifier: Apache-2.0
import { dirname, join } from 'node:path';
import { nearest, readText } from '@llmf/core';
import { z } from 'zod';
import { errors } from '../errors.js';
import { findJsonFault } from '../readers/json-error.js';
import type { ColumnRole } from '../formats/columns.js';
import type { SourceOptions } from '../options.js';

/**
 * LLaMA-Factory's registry of data sets, `dataset_info.json`: every key that its `data/README.md` and parser
 * (hiyouga/LLaMA-Factory ff6d4d12, src/llamafactory/data/parser.py) know.
 */
const name = z.string().min(1).nullish();
const columnsSchema = z.strictObject({
  prompt: name,
  query: name,
  response: name,
  history: name,
  messages: name,
  system: name,
  tools: name,
  images: name,
  videos: name,
  audios: name,
  chosen: name,
  rejected: name,
  kto_tag: name,
});
const tagsSchema = z.strictObject({
  role_tag: name,
  content_tag: name,
  user_tag: name,
  assistant_tag: name,
  observation_tag: name,
  function_tag: name,
  system_tag: name,
});
const entrySchema = z.strictObject({
  file_name: name,
  /** Of older registries; the parser there passes over it as well. */
  file_sha1: name,
  hf_hub_url: name,
  ms_hub_url: name,
  om_hub_url: name,
  script_url: name,
  cloud_file_name: name,
  formatting: z.enum(['alpaca', 'sharegpt', 'openai']).nullish(),
  ranking: z.boolean().nullish(),
  subset: name,
  split: name,
  folder: name,
  num_samples: z.int().min(1).nullish(),
  columns: columnsSchema.nullish(),
  tags: tagsSchema.nullish(),
});
type Entry = z.infer<typeof entrySchema>;

/** The described data set as an entry of `data.train`. @throws coded errors for unknown names, bad entries and remote data. */
export async function describedSource(dataset: string, infoFile: string): Promise<SourceOptions & { path: string }> {
  const entry = await readEntry(dataset, infoFile);
  const remote = remoteOf(entry);
  if (entry.file_name === null || entry.file_name === undefined) {
    if (remote !== null) throw errors.infoRemote({ path: infoFile, name: dataset, ...remote });
    throw errors.infoBroken({ path: infoFile, name: dataset, problem: 'it has no file_name' });
  }
  const base = [dirname(infoFile), entry.file_name, entry.folder ?? '', entry.subset ?? ''].filter(
    (part) => part !== '',
  );
  const format = entry.formatting ?? 'alpaca';
  return {
    path: join(...(base as [string, ...string[]])),
    format,
    columns: columnsOf(entry, format, infoFile, dataset),
    ...(format !== 'alpaca' && { tags: tagsOf(entry) }),
    ...(isGiven(entry.split) && { split: entry.split }),
    ...(isGiven(entry.num_samples) && { samples: entry.num_samples }),
  };
}

const isGiven = <T>(value: T | null | undefined): value is T => value !== null && value !== undefined;

async function readEntry(dataset: string, infoFile: string): Promise<Entry> {
  const text = await readText(infoFile).catch((error: Error) => {
    throw errors.unreadable({ path: infoFile, problem: error.message });
  });
  const all = parseInfo(text, infoFile);
  if (!(dataset in all)) {
    const known = Object.keys(all);
    throw errors.infoUnknownName({ path: infoFile, name: dataset, near: nearest(dataset, known).slice(0, 5) });
  }
  const result = entrySchema.safeParse(all[dataset]);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const at = issue.path.length > 0 ? `${issue.path.join('.')}: ` : '';
  throw errors.infoBroken({ path: infoFile, name: dataset, problem: `${at}${issue.message}` });
}

function parseInfo(text: string, path: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return parsed as Record<string, unknown>;
  } catch {
    const fault = findJsonFault(text);
    const lines = text.slice(0, fault.index).split('\n');
    throw errors.brokenJson({ path, line: lines.length, column: lines.at(-1)!.length + 1, problem: fault.problem });
  }
  throw errors.brokenJson({ path, line: 1, column: 1, problem: 'it must hold an object of data sets by name' });
}

/** Where the data set lives when it is not a local file, with what to do instead. */
function remoteOf(entry: Entry): { key: string; value: string; advice: string } | null {
  const place = (site: string) =>
    `Download it from ${site} once, put the files beside dataset_info.json and name them in file_name.`;
  const advice = {
    hf_hub_url: (value: string) => place(`huggingface.co/datasets/${value}`),
    ms_hub_url: (value: string) => place(`modelscope.cn/datasets/${value}`),
    om_hub_url: (value: string) => place(`modelers.cn/datasets/${value}`),
    script_url: () =>
      'A loading script is Python and is not run here: write its rows to a JSONL file and name it in file_name.',
    cloud_file_name: (value: string) =>
      `Copy ${value} to this machine (aws s3 cp, gcloud storage cp) and name it in file_name.`,
  };
  for (const [key, advise] of Object.entries(advice)) {
    const value = entry[key as keyof typeof advice];
    if (isGiven(value)) return { key, value, advice: advise(value) };
  }
  return null;
}

const formatRoles = {
  alpaca: ['prompt', 'query', 'response', 'history', 'system', 'tools', 'images', 'videos', 'audios'],
  sharegpt: ['messages', 'system', 'tools', 'images', 'videos', 'audios'],
  openai: ['messages', 'system', 'tools', 'images', 'videos', 'audios'],
} as const;

/** Stated columns; `ranking` adds chosen and rejected, a `kto_tag` the label. */
function columnsOf(
  entry: Entry,
  format: keyof typeof formatRoles,
  path: string,
  dataset: string,
): Partial<Record<ColumnRole, string>> {
  const stated = Object.entries(entry.columns ?? {}).filter(([, column]) => isGiven(column)) as [string, string][];
  const known: readonly string[] = [...formatRoles[format], 'chosen', 'rejected', 'kto_tag'];
  const unknown = stated.find(([role]) => !known.includes(role));
  if (unknown !== undefined) {
    const problem = `columns.${unknown[0]} is no column of the ${format} format`;
    throw errors.infoBroken({ path, name: dataset, problem });
  }
  const columns = Object.fromEntries(stated.map(([role, column]) => [role === 'kto_tag' ? 'label' : role, column]));
  if (entry.ranking !== true) {
    if ('chosen' in columns || 'rejected' in columns) {
      throw errors.infoBroken({
        path,
        name: dataset,
        problem: 'columns.chosen and columns.rejected need "ranking": true',
      });
    }
    return columns;
  }
  return { chosen: 'chosen', rejected: 'rejected', ...columns };
}

function tagsOf(entry: Entry): NonNullable<SourceOptions['tags']> {
  const stated = Object.entries(entry.tags ?? {}).filter(([, tag]) => isGiven(tag)) as [string, string][];
  return Object.fromEntries(stated.map(([key, tag]) => [key.replace(/_tag$/, ''), tag]));
}
