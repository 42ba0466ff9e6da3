// SPDX-License-Identifier: Apache-2.0
import { fixedDigits, significantDigits } from './decimal.js';

/** A float as C's and Python's `e`, `f`, `g` (and capitals) write it, without sign. `keepsPoint`: the flag `#`. */
export function formatFloat(value: number, type: string, precision: number, keepsPoint: boolean): string {
  const lower = type.toLowerCase();
  const text = Number.isFinite(value)
    ? lower === 'f'
      ? withPoint(fixedDigits(value, precision), keepsPoint)
      : lower === 'e'
        ? scientific(value, precision, keepsPoint)
        : general(value, precision, keepsPoint)
    : Number.isNaN(value)
      ? 'nan'
      : 'inf';
  return type === lower ? text : text.toUpperCase();
}

const withPoint = (text: string, keepsPoint: boolean) => (keepsPoint && !text.includes('.') ? `${text}.` : text);

function scientific(value: number, precision: number, keepsPoint: boolean): string {
  const { text, power } = significantDigits(value, precision);
  const mantissa = precision === 0 ? text : `${text[0]}.${text.slice(1)}`;
  return withPoint(mantissa, keepsPoint) + exponentText(power);
}

const exponentText = (power: number) => `e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;

/** The shorter of both, without zeros at the end. */
function general(value: number, precision: number, keepsPoint: boolean): string {
  const digits = Math.max(1, precision);
  const { text, power } = significantDigits(value, digits - 1);
  const isScientific = power < -4 || power >= digits;
  let body = isScientific ? `${text[0]}.${text.slice(1)}` : fixedDigits(value, Math.max(0, digits - 1 - power));
  if (!keepsPoint && body.includes('.')) body = body.replace(/\.?0+$/, '');
  return (keepsPoint ? withPoint(body, true) : body.replace(/\.$/, '')) + (isScientific ? exponentText(power) : '');
}
