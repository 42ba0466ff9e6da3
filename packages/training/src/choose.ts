// SPDX-License-Identifier: Apache-2.0
import { findNamed, type Container, type Named, type Token } from '@llmf/core';

/** The value of that name. @throws LLMF_CORE_UNKNOWN_NAME listing the known ones, nearest first. */
export function chosen<T extends Named>(container: Container, token: Token<T>, name: string, where: string): T {
  return findNamed(container, token, name, where);
}
