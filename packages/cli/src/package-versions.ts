// SPDX-License-Identifier: Apache-2.0
import { installedPlugins, installedVersion } from '@llmf/core';
import { builtinPackages } from './builtin-plugins.js';
import { installFolder, version } from './version.js';

/** Versions of what llmf itself loads and of the plugins installed in the user's folder, by package name. */
export function packageVersions(folder: string): Record<string, string> {
  const own = ['@llmf/core', ...builtinPackages].flatMap((name): [string, string][] => {
    const installed = installedVersion(name, installFolder);
    return installed === null ? [] : [[name, installed]];
  });
  const others = installedPlugins(folder).filter(({ name }) => !builtinPackages.includes(name));
  return Object.fromEntries([
    ['llmf', version],
    ...own,
    ...others.map(({ name, version: installed }) => [name, installed]),
  ]);
}
