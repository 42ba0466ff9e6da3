// SPDX-License-Identifier: Apache-2.0
import { isRecord, type Json, partsOf } from './json.js';

/** The token that a tokenizer's own post-processing puts before every text; null where it puts none. */
export function firstOfTemplate(config: unknown): string | null {
  if (!isRecord(config)) return null;
  if (config['type'] === 'Sequence') return partsOf(config['processors']).map(firstOfTemplate).find(isText) ?? null;
  if (config['type'] === 'TemplateProcessing') return firstSpecial(config);
  const cls = config['cls'];
  return Array.isArray(cls) && typeof cls[0] === 'string' ? cls[0] : null;
}

function firstSpecial(config: Json): string | null {
  const [first] = partsOf(config['single']);
  const special = first?.['SpecialToken'];
  return isRecord(special) && typeof special['id'] === 'string' ? special['id'] : null;
}

const isText = (value: unknown) => value !== null;

/** Tokens around a single text. */
export interface Frame {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** What post-processing puts around a single text; nothing where it only trims offsets. */
export function frameOf(config: unknown, idOf: (text: string) => number | undefined): Frame {
  if (!isRecord(config)) return nothing;
  const frames = config['type'] === 'Sequence' ? partsOf(config['processors']).map((each) => frameOf(each, idOf)) : [];
  if (frames.length > 0) return frames.find(({ before, after }) => before.length + after.length > 0) ?? nothing;
  if (config['type'] === 'TemplateProcessing') return templateFrame(config, idOf);
  const [cls, sep] = [config['cls'], config['sep']].map((pair) => (Array.isArray(pair) ? Number(pair[1]) : null));
  return cls == null || sep == null ? nothing : { before: [cls], after: [sep] };
}

const nothing: Frame = { before: [], after: [] };

function templateFrame(config: Json, idOf: (text: string) => number | undefined): Frame {
  const parts = partsOf(config['single']);
  const middle = parts.findIndex((part) => isRecord(part['Sequence']));
  const table = isRecord(config['special_tokens']) ? config['special_tokens'] : {};
  const idsOf = (list: readonly Json[]): number[] =>
    list.flatMap(({ SpecialToken: special }) => {
      if (!isRecord(special) || typeof special['id'] !== 'string') return [];
      const entry = table[special['id']];
      const ids = isRecord(entry) && Array.isArray(entry['ids']) ? entry['ids'].map(Number) : [];
      return ids.length > 0 ? ids : [idOf(special['id'])].filter((id) => id !== undefined);
    });
  return { before: idsOf(parts.slice(0, Math.max(0, middle))), after: idsOf(parts.slice(middle + 1)) };
}
