// SPDX-License-Identifier: Apache-2.0
// A Hugging Face hub on loopback, as far as llmf speaks with one: revisions, the tree of a commit, files; large ones are
// served by a second origin that the first redirects to, as the real one does.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HubSettings } from '../../src/hub/hub-settings.js';

export interface FakeHubOptions {
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** Files of at least this many bytes are "large": announced by SHA-256, served elsewhere. */
  readonly largeFrom?: number;
  /** Sends these bytes in place of a file's own. */
  readonly sent?: Readonly<Record<string, string | Uint8Array>>;
  /** Closes the connection after so many bytes of each answer of a large file. */
  readonly cutAfter?: number;
  /** Pause between pieces of a large file, in ms. */
  readonly pieceMs?: number;
  /** Asks for this token. */
  readonly token?: string;
  /** Answers that are given in place of the usual ones, by the path’s beginning. */
  readonly answers?: Readonly<Record<string, (response: ServerResponse) => void>>;
  /** Changes what the tree tells of each file. */
  readonly tree?: (entry: TreeEntry) => TreeEntry;
  /** Serves files and trees alone, as some mirrors do. */
  readonly isPlainMirror?: boolean;
}

export interface TreeEntry {
  readonly type: string;
  readonly path: string;
  readonly size: number;
  readonly oid: string;
  readonly lfs?: { readonly oid: string; readonly size: number } | undefined;
}

export interface Asked {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
  /** Of the hub itself, or of where large files are. */
  readonly of: 'hub' | 'store';
}

export class FakeHub {
  readonly asked: Asked[] = [];
  /** The commits of `main`, the newest last; each request for the revision gets the newest. */
  readonly commits = ['a'.repeat(40)];
  private readonly servers: Server[] = [];
  private readonly urls: string[] = [];

  private constructor(public options: FakeHubOptions) {}

  static async start(options: FakeHubOptions): Promise<FakeHub> {
    const hub = new FakeHub(options);
    for (const of of ['hub', 'store'] as const) {
      const server = createServer((request, response) => hub.answer(of, request, response));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      hub.servers.push(server);
      hub.urls.push(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    }
    return hub;
  }

  get url(): string {
    return this.urls[0]!;
  }

  /** Settings of a client with a cache of its own. */
  settings(cache: string, more: Partial<HubSettings> = {}): HubSettings & { readonly said: string[] } {
    const said: string[] = [];
    const write = (text: string) => void said.push(text);
    const fixed = { endpointLogin: null, token: null, isOffline: false, idleMs: 2000, retryMs: 1, isLive: false };
    return { endpoint: this.url, cache, write, said, ...fixed, ...more };
  }

  /** Names of the files that the hub itself was asked for. */
  get served(): string[] {
    return this.asked.filter(({ path }) => path.includes('/resolve/')).map(({ path }) => path.split('/').at(-1)!);
  }

  async close(): Promise<void> {
    for (const server of this.servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  private answer(of: 'hub' | 'store', request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(new URL(request.url!, 'http://hub').pathname);
    const { authorization, range } = request.headers;
    this.asked.push({ path, authorization, range, of });
    const special = Object.entries(this.options.answers ?? {}).find(([start]) => path.startsWith(start));
    if (special !== undefined) special[1](response);
    else if (of === 'store') this.sendLarge(path.slice(1), range, response);
    else if (this.options.token !== undefined && authorization !== `Bearer ${this.options.token}`) refuse(response);
    else this.answerHub(path, response);
  }

  private answerHub(path: string, response: ServerResponse): void {
    const api = /^\/api\/models\/owner\/name\/(revision|tree)\//.exec(path)?.[1];
    const file = /^\/owner\/name\/resolve\/[^/]+\/(.*)$/.exec(path)?.[1];
    if (api === 'revision' && this.options.isPlainMirror !== true) sendJson(response, { sha: this.commits.at(-1) });
    else if (api === 'tree') sendJson(response, this.tree());
    else if (file !== undefined && file in this.options.files) this.sendFile(file, response);
    else response.writeHead(404).end();
  }

  private tree(): TreeEntry[] {
    const { files, tree = (entry) => entry } = this.options;
    return Object.entries(files).map(([path, content]) => {
      const bytes = Buffer.from(content);
      const entry = { type: 'file', path, size: bytes.length, oid: gitHash(bytes) };
      return tree(this.isLarge(bytes) ? { ...entry, lfs: { oid: sha256(bytes), size: bytes.length } } : entry);
    });
  }

  private isLarge({ length }: Buffer): boolean {
    return length >= (this.options.largeFrom ?? Infinity);
  }

  private sendFile(name: string, response: ServerResponse): void {
    if (this.isLarge(Buffer.from(this.options.files[name]!))) {
      response.writeHead(302, { location: `${this.urls[1]}/${name}?X-Signature=secret` }).end();
      return;
    }
    const bytes = this.bytesOf(name);
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
  }

  private sendLarge(name: string, range: string | undefined, response: ServerResponse): void {
    const all = this.bytesOf(name);
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const bytes = all.subarray(from);
    const extent = { 'content-range': `bytes ${from}-${all.length - 1}/${all.length}` };
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': bytes.length, ...(from > 0 ? extent : {}) });
    void this.sendPieces(bytes, response);
  }

  private async sendPieces(bytes: Buffer, response: ServerResponse): Promise<void> {
    const { cutAfter = Infinity, pieceMs = 0 } = this.options;
    for (let at = 0; at < bytes.length; at += 4096) {
      if (at >= cutAfter) return void response.destroy();
      response.write(bytes.subarray(at, at + 4096));
      if (pieceMs > 0 || cutAfter < Infinity) await new Promise((resolve) => setTimeout(resolve, pieceMs));
    }
    response.end();
  }

  private bytesOf(name: string): Buffer {
    return Buffer.from((this.options.sent ?? {})[name] ?? this.options.files[name]!);
  }
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
export const gitHash = (bytes: Uint8Array): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

const refuse = (response: ServerResponse) =>
  void response.writeHead(401, { 'x-error-message': 'Access to model owner/name is restricted.' }).end();
