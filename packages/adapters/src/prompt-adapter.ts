// SPDX-License-Identifier: Apache-2.0
import { tf, type AttachedAdapter, type KeysBefore, type Tensor, type Variable, type VirtualTokens } from '@llmf/nn';

interface PromptParts {
  readonly variables: ReadonlyMap<string, Variable>;
  readonly peftConfig: Readonly<Record<string, unknown>>;
  readonly virtualTokens?: VirtualTokens;
  readonly keysBefore?: KeysBefore;
  /** Tensors of its file where they are not the variables; the caller disposes them. */
  readonly saved?: () => ReadonlyMap<string, Tensor>;
}

/** An adapter that leaves every layer as it is and puts something before each sequence. */
export class PromptAdapter implements AttachedAdapter {
  readonly variables: ReadonlyMap<string, Variable>;
  readonly peftConfig: Readonly<Record<string, unknown>>;
  readonly isIdentity = false;
  readonly virtualTokens?: VirtualTokens;
  readonly keysBefore?: KeysBefore;
  readonly saved?: () => ReadonlyMap<string, Tensor>;

  constructor(parts: PromptParts) {
    this.variables = parts.variables;
    this.peftConfig = parts.peftConfig;
    if (parts.virtualTokens !== undefined) this.virtualTokens = parts.virtualTokens;
    if (parts.keysBefore !== undefined) this.keysBefore = parts.keysBefore;
    if (parts.saved !== undefined) this.saved = parts.saved;
  }

  lowRank(): null {
    return null;
  }

  changes(): boolean {
    return false;
  }

  dispose(): void {
    tf.dispose([...this.variables.values()]);
  }
}
