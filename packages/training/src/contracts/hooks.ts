// SPDX-License-Identifier: Apache-2.0
import { token, type RandomKey, type Run } from '@llmf/core';
import type { ActiveAdapter, ForwardContext, Model, Scalar, Tensor, Tensor2D, Variable } from '@llmf/nn';
import type { AsyncSeriesWaterfallHook, SyncWaterfallHook } from 'tapable';
import type { Batch, EncodedRow, RowSet } from './data.js';
import type { LossTerm } from './loss.js';

/** Hooks of a run that trains a model; fires in this order, a run of N steps repeats the later part. */
export interface TrainingHooks {
  /** Transform: the weighted loss terms of the run, resolved once, before anything is loaded. */
  readonly lossTerms: SyncWaterfallHook<[LossTerm[]]>;
  /** Transform: a model is loaded (the policy, a reference); the adapter is attached to what comes back. */
  readonly modelLoaded: AsyncSeriesWaterfallHook<[Model]>;
  /** Transform: one data split is indexed and can be read. */
  readonly datasetReady: AsyncSeriesWaterfallHook<[RowSet, DatasetReadyInfo]>;
  /** Transform: the rows of a step, or some of a sweep, before they are packed (a modality expands its placeholders here). */
  readonly rowsEncoded: AsyncSeriesWaterfallHook<[EncodedRow[], RowsPlace]>;
  /** Transform: one pass's rows, packed (extra columns, media, multimodal positions). */
  readonly batchCollated: AsyncSeriesWaterfallHook<[Batch, BatchPlace]>;
  /** Transform: the token embeddings of a batch, [T, C], inside the gradient scope (media replace placeholders). */
  readonly inputsEmbedded: SyncWaterfallHook<[Tensor2D, Batch, EmbeddingPass]>;
  /** Transform: the gradients of an update are accumulated; clipping measures and scales them here. */
  readonly gradientsReady: AsyncSeriesWaterfallHook<[GradientsReady]>;
}

/** The hooks of a run; made anew for each. */
export const TrainingHooksToken = token<TrainingHooks>('training-hooks', '@llmf/training');

export const trainingHooks = (run: Pick<Run, 'container'>): TrainingHooks => run.container.resolve(TrainingHooksToken);

/** How one forward pass is done. */
export interface ForwardMode {
  readonly adapter: ActiveAdapter | null;
  readonly training: boolean;
  readonly randomKey: RandomKey;
  /** See ForwardContext. */
  readonly firstToken?: number;
  readonly gradientCheckpointing: boolean;
  readonly auxiliary?: ForwardContext['auxiliary'];
}
/** The forward pass that embeds, and its model: the policy's or a reference's. */
export interface EmbeddingPass extends ForwardMode {
  readonly model: Model;
}
/** Where rows stand: what random numbers of their own are keyed by, together with a row's index. */
export interface RowsPlace {
  /** `other`: rows that are only scored, or made while training. */
  readonly split: 'train' | 'eval' | 'other';
  /** Optimizer step, from 1; 0 outside of steps. */
  readonly step: number;
}
export interface BatchPlace extends RowsPlace {
  /** Within the step, or within the sweep over a split. */
  readonly microbatch: number;
}
export interface DatasetReadyInfo {
  /** `score`: rows that are only scored, whole and whatever their length. */
  readonly split: 'train' | 'eval' | 'score';
}
export interface GradientsReady {
  readonly step: number;
  /** Accumulated gradients by parameter name; a tap that hands on others disposes those it leaves out. */
  readonly gradients: ReadonlyMap<string, Gradient>;
  /** Set by clipping: the global norm before clipping, a scalar that stays a tensor. */
  readonly norm?: Scalar;
  /** Set by clipping: factor the optimizer applies to every gradient, a scalar tensor. */
  readonly scale?: Scalar;
}
/** The gradient of one parameter and how it is applied; a tap may hand on another rate or decay. */
export interface Gradient {
  readonly variable: Variable;
  readonly value: Tensor;
  /** Factor on the learning rate; 1 unless a group says otherwise. */
  readonly rate: number;
  /** `train.weightDecay` for matrices, 0 for norms and biases, unless a group says otherwise. */
  readonly weightDecay: number;
}
