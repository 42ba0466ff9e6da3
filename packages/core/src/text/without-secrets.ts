// SPDX-License-Identifier: Apache-2.0

/**
 * A text as it may be shown or kept: of every URL in it, user and password are left out, the values of its query (which
 * sign or open it) are dots, and the fragment is gone.
 */
export const withoutSecrets = (text: string): string => text.replace(/[a-z][a-z\d+.-]*:\/\/[^\s"'<>`]+/gi, shownUrl);

function shownUrl(url: string): string {
  const [, scheme = '', rest = ''] = /^([^:]+:\/\/)(.*)$/s.exec(url)!;
  const end = rest.search(/[?#]/);
  const place = end < 0 ? rest : rest.slice(0, end);
  const query = /\?([^#]*)/.exec(rest)?.[1];
  return scheme + withoutUser(place) + (query === undefined ? '' : `?${shownQuery(query)}`);
}

/** A password with an unescaped `/` makes no valid URL, but is one all the same. */
function withoutUser(place: string): string {
  const slash = place.indexOf('/');
  const authority = slash < 0 ? place : place.slice(0, slash);
  const isPassword = /^[^[\]]*:(?!\d*$)/.test(authority);
  const at = (isPassword ? place : authority).lastIndexOf('@');
  return place.slice(at + 1);
}

const shownQuery = (query: string): string =>
  query
    .split('&')
    .map((pair) => (pair.includes('=') ? `${pair.slice(0, pair.indexOf('='))}=…` : '…'))
    .join('&');
