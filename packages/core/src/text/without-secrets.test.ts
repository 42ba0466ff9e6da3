// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { withoutSecrets } from './without-secrets.js';

describe('withoutSecrets', () => {
  it.each([
    ['https://host.test/a.png', 'https://host.test/a.png'],
    ['https://me:pass@host.test/a.png', 'https://host.test/a.png'],
    ['https://token@host.test/a', 'https://host.test/a'],
    ['https://me:p%40ss@host.test:8080/a', 'https://host.test:8080/a'],
    ['https://me:p@ss@host.test/a', 'https://host.test/a'],
    ['https://me:pa/ss@host.test/a', 'https://host.test/a'],
    ['https://cdn.test/@scope/a@1.png', 'https://cdn.test/@scope/a@1.png'],
    ['https://h.test:80/a@b', 'https://h.test:80/a@b'],
    ['http://[::1]:80/a@b', 'http://[::1]:80/a@b'],
    ['https://s3.test/a?X-Amz-Signature=abc&id=5', 'https://s3.test/a?X-Amz-Signature=…&id=…'],
    ['https://h.test/a?opaque', 'https://h.test/a?…'],
    ['https://h.test/a#access_token=abc', 'https://h.test/a'],
    ['HTTPS://me:pass@H.test', 'HTTPS://H.test'],
    ['s3://key:secret@bucket/a', 's3://bucket/a'],
    ['/local/a@b?c=d', '/local/a@b?c=d'],
    ['data:image/png;base64,AA@A', 'data:image/png;base64,AA@A'],
  ])('%s', (text, shown) => expect(withoutSecrets(text)).toBe(shown));

  it('finds them within a sentence', () => {
    const text = 'fetching "https://a:b@c.test/x?k=v" failed, then http://d:e@f.test/ too';
    expect(withoutSecrets(text)).toBe('fetching "https://c.test/x?k=…" failed, then http://f.test/ too');
  });
});
