// SPDX-License-Identifier: Apache-2.0
/** Columns that a format can read, by what they hold. */
export const columnRoles = [
  'prompt',
  'query',
  'response',
  'history',
  'messages',
  'system',
  'tools',
  'images',
  'videos',
  'audios',
  'chosen',
  'rejected',
  'label',
  'responses',
  'scores',
  'text',
  'words',
  'tags',
  'anchor',
  'positive',
  'negative',
  'weight',
  'promptIds',
  'responseIds',
  'chosenIds',
  'rejectedIds',
] as const;

export type ColumnRole = (typeof columnRoles)[number];

/** Keys and role names of chat messages. */
export interface Tags {
  readonly role: string;
  readonly content: string;
  readonly user: string;
  readonly assistant: string;
  readonly observation: string;
  readonly function: string;
  readonly system: string;
}
