// SPDX-License-Identifier: Apache-2.0

/** `maxNewTokens` → `max-new-tokens`: an option of a config or schema as a flag, without its dashes. */
export const flagName = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
