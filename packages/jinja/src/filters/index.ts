// SPDX-License-Identifier: Apache-2.0
import { unsupported } from '../template-error.js';
import type { Filter } from './filter.js';
import { numberFilters } from './numbers.js';
import { selectingFilters } from './selecting.js';
import { sequenceFilters } from './sequences.js';
import { textFilters } from './text.js';
import { toJsonFilter } from './to-json.js';

export type { Filter, FilterContext } from './filter.js';

/** Jinja 2 has them, and no chat template needs them: random results, HTML links, layouts for terminals. */
const refused = ['random', 'urlize', 'pprint', 'wordwrap'].map((name): readonly [string, Filter] => [
  name,
  () => {
    throw unsupported(`the filter ${name} is not supported`);
  },
]);

export const filters: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ...textFilters,
  ...sequenceFilters,
  ...selectingFilters,
  ...numberFilters,
  toJsonFilter,
  ...refused,
]);
