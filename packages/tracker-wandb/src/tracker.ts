// SPDX-License-Identifier: Apache-2.0
import { defineTracker, type Plugin, type Run, type RunStarted } from '@llmf/core';
import { openFolder } from './offline.js';
import { openServer } from './online.js';
import { wandbOptions } from './options.js';
import { planned, type Plan } from './plan.js';

/** Metrics and config for Weights & Biases: a folder for `wandb sync`, and its server while the run goes on. */
export function trackerWandb(): Plugin {
  const plans = new WeakMap<Run, Promise<Plan>>();
  const planOf = (run: Run, started: RunStarted): Promise<Plan> => {
    const plan = plans.get(run) ?? planned(run, started);
    plans.set(run, plan);
    return plan;
  };
  const facts = {
    name: 'tracker-wandb',
    description: 'a folder for `wandb sync`, and W&B’s server where a key is set',
    options: wandbOptions,
    section: 'wandb',
  };
  // Two queues: what the server does not take is in the folder all the same.
  const folder = defineTracker({ ...facts, open: async (run, started) => openFolder(await planOf(run, started)) });
  const server = defineTracker({
    ...facts,
    name: 'tracker-wandb, server',
    open: async (run, started) => openServer(await planOf(run, started)),
  });
  return {
    ...folder,
    apply(engine) {
      folder.apply(engine);
      server.apply(engine);
    },
  };
}
