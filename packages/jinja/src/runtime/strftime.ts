// SPDX-License-Identifier: Apache-2.0
const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const dayMs = 86_400_000;

/** C's `strftime` in the C locale and UTC; unknown parts stay as they are. `%-d` and its like leave out the zero. */
export function strftime(date: Date, format: string): string {
  return format.replace(/%([-_0^]?)([a-zA-Z%])/g, (whole, flag: string, part: string) => {
    const text = partOf(date, part);
    if (text === null) return whole;
    if (flag === '-') return text.replace(/^[0 ]+(?=\d)/, '');
    if (flag === '_') return text.replace(/^0+(?=\d)/, (zeros) => ' '.repeat(zeros.length));
    return flag === '^' ? text.toUpperCase() : text;
  });
}

function partOf(date: Date, part: string): string | null {
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  const [hour, minute, second] = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()];
  const weekday = date.getUTCDay();
  const yearDay = Math.floor((Date.UTC(year, month, day) - Date.UTC(year, 0, 1)) / dayMs);
  const hour12 = hour % 12 === 0 ? 12 : hour % 12;
  const parts: Readonly<Record<string, () => string>> = {
    a: () => days[weekday]!.slice(0, 3),
    A: () => days[weekday]!,
    b: () => months[month]!.slice(0, 3),
    h: () => months[month]!.slice(0, 3),
    B: () => months[month]!,
    c: () => strftime(date, '%a %b %e %H:%M:%S %Y'),
    C: () => two(Math.floor(year / 100)),
    d: () => two(day),
    D: () => strftime(date, '%m/%d/%y'),
    e: () => String(day).padStart(2, ' '),
    f: () => String(date.getUTCMilliseconds() * 1000).padStart(6, '0'),
    F: () => strftime(date, '%Y-%m-%d'),
    H: () => two(hour),
    I: () => two(hour12),
    j: () => String(yearDay + 1).padStart(3, '0'),
    k: () => String(hour).padStart(2, ' '),
    l: () => String(hour12).padStart(2, ' '),
    m: () => two(month + 1),
    M: () => two(minute),
    n: () => '\n',
    p: () => (hour < 12 ? 'AM' : 'PM'),
    P: () => (hour < 12 ? 'am' : 'pm'),
    r: () => strftime(date, '%I:%M:%S %p'),
    R: () => strftime(date, '%H:%M'),
    s: () => String(Math.floor(date.getTime() / 1000)),
    S: () => two(second),
    t: () => '\t',
    T: () => strftime(date, '%H:%M:%S'),
    u: () => String(weekday === 0 ? 7 : weekday),
    U: () => two(Math.floor((yearDay + 7 - weekday) / 7)),
    w: () => String(weekday),
    W: () => two(Math.floor((yearDay + 7 - ((weekday + 6) % 7)) / 7)),
    x: () => strftime(date, '%m/%d/%y'),
    X: () => strftime(date, '%H:%M:%S'),
    y: () => two(year % 100),
    Y: () => String(year),
    z: () => '',
    Z: () => '',
    '%': () => '%',
  };
  return parts[part]?.() ?? null;
}

const two = (value: number) => String(value).padStart(2, '0');
