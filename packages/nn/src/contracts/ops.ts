// SPDX-License-Identifier: Apache-2.0
/**
 * Kernel names and layouts that backends may implement natively. Inputs and outputs are tfjs tensors (float32 unless
 * said otherwise); attributes are plain values. Where a backend has no kernel of a name, nn registers its composite.
 * T tokens of the packed row, C hidden size, H query heads, G key heads, D head size, V vocabulary, S selected rows.
 */

/**
 * What one segment's queries see. Query i of the segment (0 ≤ i < queryLength) sees every key in
 * [prefixStart, prefixStart + prefixLength) and, when causal, own keys j ≤ i + keyLength − queryLength
 * (else all own keys). keyLength > queryLength happens with a key-value cache; keyLength < queryLength only where keys are
 * of another row than queries (cross attention).
 */
export interface AttentionSpan {
  readonly queryStart: number;
  readonly queryLength: number;
  readonly keyStart: number;
  readonly keyLength: number;
  readonly prefixStart: number;
  readonly prefixLength: number;
  /** Whether own keys after the query are hidden; left out: as the call says. */
  readonly causal?: boolean | undefined;
}

/**
 * Where an added bias [H, N] lies: score of query and key += bias[head, entry]. The keys of a span are numbered in one
 * row, its prefix first; a query has the number of its own key.
 */
export interface BiasPlace {
  /** The entry is the key's number (ALiBi), or `zero` + the key's number − the query's (T5). */
  readonly by: 'key' | 'distance';
  readonly zero: number;
}

export interface AttentionAttributes {
  readonly spans: readonly AttentionSpan[];
  readonly scale: number;
  readonly causal: boolean;
  /** Sliding window: a key is seen when its distance to the query is below this; 0: no window. Positions run on from the prefix. */
  readonly window: number;
  /** c: scale · q·k becomes c · tanh(scale · q·k / c) before a bias is added (Gemma 2); 0: it stays. */
  readonly softCap: number;
  /** Present where an input `bias` is. */
  readonly bias?: BiasPlace | undefined;
}

/** Some tokens for each row: those of row i are `ids[starts[i]]` to `ids[starts[i + 1] − 1]`. */
export interface TokenLists {
  readonly starts: Int32Array; // [S + 1]
  readonly ids: Int32Array;
}

/** How a token is chosen from each row of logits; applied in the order of Transformers: penalty, temperature, top-k, nucleus, min-p. */
export interface SampleTokensAttributes {
  /** A number in [0, 1) for each row: where it falls among the probabilities, in order of ids, or where some are cut off, likeliest first. */
  readonly draws: Float32Array;
  /** 0: the likeliest, of equal ones the first. */
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  /** Tokens that the penalty is for. */
  readonly seen: TokenLists;
  /** Tokens that cannot be chosen. */
  readonly banned: TokenLists;
}

export const kernels = Object.freeze({
  /** {ids [T] int32, table [V, C]} attrs {vocabulary} → [T, C] */
  embedding: 'LlmfEmbedding',
  /** {dy [T, C], ids [T]} attrs {vocabulary} → dTable [V, C] */
  embeddingGradient: 'LlmfEmbeddingGradient',
  /**
   * {x [T, K], weight [N, K], bias? [N], a? [r, K], b? [N, r], mask? [T, K]} attrs {scale, keeps}
   * → [y [T, N] = x Wᵀ + bias + scale·((x∘mask) Aᵀ) Bᵀ], and perhaps, if `keeps`, xImage [T, r] = scale·x Aᵀ
   */
  linear: 'LlmfLinear',
  /** {dy [T, N], weight [N, K], a?, b?, mask?} attrs {scale, keeps} → [dx [T, K]], and perhaps dyImage [T, r] = scale·dy B */
  linearInputGradient: 'LlmfLinearInputGradient',
  /** {dy [T, N], x [T, K]} → dW [N, K] = dyᵀ x */
  linearWeightGradient: 'LlmfLinearWeightGradient',
  /** {dy [T, N], x [T, K], a, b, mask?, xImage?, dyImage?} attrs {scale} → [dA [r, K], dB [N, r]] */
  linearLowRankGradient: 'LlmfLinearLowRankGradient',
  /**
   * {x [S, K], starts [G + 1] int32, weight0 [N, K], …, a0? [r, K], b0? [N, r], …} attrs {groups: G, rank: r, scale, keeps}
   * → [y [S, N]], and perhaps, if `keeps`, xImage [S, r]: rows starts[g] to starts[g + 1] − 1 as `linear` with the g-th weight
   * and factors; groups without factors have none of their names
   */
  groupedLinear: 'LlmfGroupedLinear',
  /** {dy [S, N], starts, weight0, …, a0?, b0?, …} attrs {groups, rank, scale, keeps} → [dx [S, K]], and perhaps dyImage [S, r] */
  groupedLinearInputGradient: 'LlmfGroupedLinearInputGradient',
  /** {dy, x, starts} attrs {groups} → [dW0, …, one per group] */
  groupedLinearWeightGradient: 'LlmfGroupedLinearWeightGradient',
  /** {dy, x, starts, a0?, b0?, …, xImage?, dyImage?} attrs {groups, rank, scale} → [dA, dB, … of each group with factors] */
  groupedLinearLowRankGradient: 'LlmfGroupedLinearLowRankGradient',
  /**
   * {probabilities [T, E]} attrs {perToken: k} → [chosen [T · k], cells [T · k], places [T · k], rows [T · k], starts [E + 1]],
   * all int32. Slot t·k + j is the j-th choice of token t, the likeliest first, of equal ones the first: `chosen` its expert,
   * `cells` its place in the probabilities, `places` its place where slots are ordered by expert; `rows` the token at each
   * of these places, `starts` where each expert's begin.
   */
  routeTokens: 'LlmfRouteTokens',
  /** {rows [T · k, C], weights [T, k], places [T · k] int32} → y [T, C], y[t] = Σ_j weights[t, j] · rows[places[t·k + j]] */
  combineExperts: 'LlmfCombineExperts',
  /** {dy [T, C], rows, weights, places} → [dRows, dWeights] */
  combineExpertsGradient: 'LlmfCombineExpertsGradient',
  /** {x [T, C], weight [C]} attrs {epsilon} → y = weight ∘ x / √(mean x² + ε); last axis, any leading shape folded to rows */
  rmsNorm: 'LlmfRmsNorm',
  /** {dy, x, weight} attrs {epsilon, wantsWeight} → [dx, dWeight [C] | [0]] */
  rmsNormGradient: 'LlmfRmsNormGradient',
  /** {x [T, C], weight [C], bias [C]} attrs {epsilon} → y */
  layerNorm: 'LlmfLayerNorm',
  /** {dy, x, weight} attrs {epsilon, wantsWeight} → [dx, dWeight [C] | [0], dBias [C] | [0]] */
  layerNormGradient: 'LlmfLayerNormGradient',
  /**
   * {x [T, H, D], cos [T, R/2], sin [T, R/2]} attrs {inverse, interleaved} → rotates the first R of D, in halves (NeoX
   * order) or, interleaved, in neighbours (GPT-J); inverse: by −θ. Its own gradient.
   */
  rope: 'LlmfRope',
  /** {q [Tq, H, D], k [Tk, G, D], v [Tk, G, D], bias? [H, N]} attrs AttentionAttributes → [out [Tq, H, D], logSumExp [Tq, H]] */
  attention: 'LlmfAttention',
  /** {dy [Tq, H, D], q, k, v, bias?, out, logSumExp} attrs {…AttentionAttributes, wantsBias?} → [dq, dk, dv], and if `wantsBias` dBias */
  attentionGradient: 'LlmfAttentionGradient',
  /**
   * {gate [T, F], up [T, F]} or {kept} attrs {keeps} → [silu(gate) ∘ up], and perhaps, if `keeps`, kept int32 [T, F]:
   * what the reverse pass needs of both in the backend's own form, where y was computed from no more than that.
   */
  swiglu: 'LlmfSwiglu',
  /** {dy, gate, up} or {dy, kept} → [dGate, dUp] */
  swigluGradient: 'LlmfSwigluGradient',
  /** {x} attrs {form: 'exact' | 'tanh' | 'quick'} → gelu(x) */
  gelu: 'LlmfGelu',
  /** {dy, x} attrs {form} → dx */
  geluGradient: 'LlmfGeluGradient',
  /**
   * {hidden [T, C], head [V, C], bias? [V], rows [S] int32, targets [S] int32} attrs {entropy, squared, softCap, temperature, keeps}
   * → [logProb [S], logSumExp [S], entropy [S] | [0], logSumSquaredProbabilities [S] | [0]], and perhaps, if `keeps`, kept
   * int32: what the gradient needs of the logits in the backend's own form; else logits in chunks, never stored whole.
   */
  selectedLogProbs: 'LlmfSelectedLogProbs',
  /**
   * {dLogProb? [S], dEntropy? [S], dSquared? [S], hidden, head, bias?, rows, targets, logProb, logSumExp, entropy?, squared?, kept?},
   * at least one of the gradients, attrs {softCap, temperature, wantsHead} → [dHidden [T, C], dHead [V, C] | [0], dBias [V] | [0]]
   */
  selectedLogProbsGradient: 'LlmfSelectedLogProbsGradient',
  /**
   * {hidden, head, bias?, rows, targets} attrs {softCap, temperature} → [logProb [S], slope [S, C]],
   * slope = ∂logProb/∂hidden[row] = (c_target W_target − Σ_v p_v c_v W_v) / temperature, c the slope of the soft cap, 1
   * without one; logits exist once, in chunks.
   */
  selectedLogProbsSlope: 'LlmfSelectedLogProbsSlope',
  /** {values [S], response [S] int32 ascending} attrs {count} → [R] sums in order of S */
  segmentSum: 'LlmfSegmentSum',
  /**
   * {logits [S, V]} attrs SampleTokensAttributes → [ids [S] int32, logProb [S]]: the chosen tokens, −1 where the logits are
   * not numbers or none is left, and their log-probs by the logits as they are, as selectedLogProbs computes them.
   */
  sampleTokens: 'LlmfSampleTokens',
  /** {x0, x1, …} of any shapes, attrs {maximum: number | null} → [norm = √ Σ x²], with a maximum also [scale], scalars */
  globalNorm: 'LlmfGlobalNorm',
  /**
   * In place, no output, all parameters at once: {parameter0, gradient0, m0, v0, parameter1, …, scale?}
   * attrs {learningRate, beta1, beta2, epsilon, step, weightDecays: one per parameter}
   */
  adamw: 'LlmfAdamW',
  /** In place: {accumulator, value} accumulator += value; no output */
  accumulate: 'LlmfAccumulate',
  /** In place: {accumulator [V, C], rows [T, C], ids [T] int32} accumulator[v] += (Σ over t with ids[t] = v of rows[t]); no output */
  accumulateRows: 'LlmfAccumulateRows',
  /** In place: {target [N, G, D], values [T, G, D]} attrs {rows: Int32Array} target[rows[t]] = values[t]; no output */
  writeRows: 'LlmfWriteRows',
} as const);
