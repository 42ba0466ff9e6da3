// SPDX-License-Identifier: Apache-2.0
/** `datasets:` of Axolotl 0.18 (utils/schemas/datasets.py, prompt_strategies/): what of a type is told by columns here. */
import { isOff } from './rules.js';
import type { Options } from './translation.js';

/** Columns of the types of preference data that do not bear our names (prompt_strategies/dpo, orpo, kto). */
const columnsOfType: Readonly<Record<string, Options>> = {
  intel: { prompt: 'question' },
  icr: { prompt: 'input' },
  argilla_chat: {},
  prompt_pairs: {},
  ultra: {},
  argilla: {},
  default: {},
};

/** Keys of an entry that change nothing here. */
const idle = ['name', 'ds_type', 'trust_remote_code', 'revision', 'shards', 'preprocess_shards'];
const columnKeys: Options = {
  field_messages: 'messages',
  field_chosen: 'chosen',
  field_rejected: 'rejected',
  field_tools: 'tools',
  field: 'text',
  field_system: 'system',
  field_instruction: 'prompt',
  field_prompt: 'prompt',
  field_input: 'query',
  field_output: 'response',
  field_completion: 'response',
  field_label: 'label',
};

/** An entry of `data.train`, or why it cannot be one. */
export function sourceOf(entry: Options): { source: Options } | { reason: string } {
  const own = typeof entry['type'] === 'object' && entry['type'] !== null ? (entry['type'] as Options) : {};
  const all = { ...entry, ...own };
  const columns: Record<string, unknown> = {};
  const tags: Record<string, unknown> = {};
  const type = typeof entry['type'] === 'string' ? entry['type'] : '';
  const typed = typeColumns(type);
  if (typed === null) return { reason: `no rows of type ${type} here` };
  Object.assign(columns, typed.columns);
  for (const [key, value] of Object.entries(all)) {
    if (value === null || idle.includes(key) || ['path', 'type', 'split', 'data_files'].includes(key)) continue;
    const column = columnKeys[key];
    if (typeof column === 'string') columns[column] = value;
    else if (key === 'message_property_mappings') Object.assign(tags, messageTags(value as Options));
    else if (key === 'message_field_role') tags['role'] = value;
    else if (key === 'message_field_content') tags['content'] = value;
    else if (key === 'roles') Object.assign(tags, roleTags(value as Options));
    else if (key === 'roles_to_train' && [value].flat().join() === 'assistant') continue;
    else if (key === 'train_on_eos' && value === 'turn') continue;
    else if (!isOff(value)) return { reason: `no ${key} of a data set here` };
  }
  const files = [entry['data_files'] ?? []].flat();
  if (files.length > 1) return { reason: 'write an entry for each of data_files' };
  const source = {
    path: files[0] ?? entry['path'],
    ...(typed.format === undefined ? {} : { format: typed.format }),
    ...(isOff(entry['split'] ?? null) || entry['split'] === 'train' ? {} : { split: entry['split'] }),
    ...(Object.keys(columns).length === 0 ? {} : { columns }),
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
  };
  return { source };
}

/** What a type says about the columns; null: unknown. */
function typeColumns(type: string): { format?: string; columns: Options } | null {
  if (type === '' || type === 'chat_template' || type === 'pretrain') return { columns: {} };
  if (type === 'alpaca' || type === 'alpaca_chat.load_qa' || type === 'sharegpt') {
    return { format: type === 'sharegpt' ? 'sharegpt' : 'alpaca', columns: {} };
  }
  if (type === 'completion') return { format: 'text', columns: {} };
  const [family = '', kind = ''] = type.split('.');
  const known = ['chat_template', 'chatml', 'llama3', 'zephyr', 'bradley_terry', 'user_defined'];
  if (!known.includes(family)) return null;
  if (family === 'bradley_terry' || family === 'user_defined') return { columns: {} };
  const columns = columnsOfType[kind];
  return columns === undefined ? null : { columns };
}

const messageTags = ({ role, content, ...others }: Options): Options =>
  Object.fromEntries(
    Object.entries({ role, content, ...others }).filter(
      ([key, value]) => value !== undefined && key in { role, content },
    ),
  );

/** `user: [human]` → the name of a role; of several the first. */
const roleTags = (roles: Options): Options =>
  Object.fromEntries(
    Object.entries(roles).flatMap(([role, names]) => {
      const ours = role === 'tool' ? 'observation' : role;
      const [name] = [names].flat();
      return ['user', 'assistant', 'system', 'observation'].includes(ours) ? [[ours, name]] : [];
    }),
  );
