// SPDX-License-Identifier: Apache-2.0
/** Plain JavaScript of scripts/ and examples/ that tests import. */
declare module '*.mjs';
