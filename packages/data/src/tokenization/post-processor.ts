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
