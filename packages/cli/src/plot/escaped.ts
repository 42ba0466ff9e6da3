// SPDX-License-Identifier: Apache-2.0

/** Text as the content of an element, or of an attribute in double quotes. */
export const escaped = (content: string): string =>
  content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
