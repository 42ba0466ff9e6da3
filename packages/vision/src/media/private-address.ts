// SPDX-License-Identifier: Apache-2.0
import { BlockList, isIPv4 } from 'node:net';

/**
 * Address ranges that are not the public internet: this host, private and shared networks, link-local (cloud metadata
 * services live there), documentation, benchmarking, multicast, reserved. IANA special-purpose registries (RFC 6890).
 */
const ranges: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 96], // unspecified, loopback and IPv4-compatible
  ['::ffff:0:0:0', 96], // translated from IPv4 (RFC 2765)
  ['64:ff9b::', 96], // translation to IPv4
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['100:0:0:1::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16], // carries an IPv4 address
  ['3fff::', 20], // documentation
  ['5f00::', 16], // segment routing
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10], // site-local, as it was
  ['ff00::', 8],
];

// IPv4 inside IPv6 (::ffff:a.b.c.d) is compared with the IPv4 ranges by BlockList itself.
const blocked = new BlockList();
for (const [network, prefix] of ranges) blocked.addSubnet(network, prefix, isIPv4(network) ? 'ipv4' : 'ipv6');

/** Is this IP address one that a data set has no business naming? */
export function isPrivateAddress(address: string): boolean {
  const plain = address.split('%')[0]!; // without a zone
  return blocked.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6');
}
