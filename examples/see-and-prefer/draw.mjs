// SPDX-License-Identifier: Apache-2.0
// Draws data/pictures/ and writes data/: two coloured shapes in each picture, a question about one of them, a right answer
// and a hallucinated one.
//
//   sft.json       single answers, right and hallucinated mixed: a model that has read them knows how people talk here
//                  and has a reason to look, but was taught to invent as well.
//   train.json     pairs. Chosen: what the picture shows. Rejected: what it does not show.
//   held-out.json  pairs on pictures that are in neither of the others. Of every picture there is a twin in which the
//                  asked shape looks as the hallucination said, with the answers exchanged: who does not look scores 0.5.
//
// Run again with `node draw.mjs`: the same seed gives the same files, byte for byte.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';

const side = 56; // pixels; four places of 28 × 28
const colours = {
  red: [220, 40, 40],
  green: [40, 170, 70],
  blue: [50, 80, 220],
  yellow: [240, 210, 50],
  purple: [150, 60, 190],
  black: [25, 25, 25],
};
/** Whether a point belongs to a shape of radius 1 around the origin. */
const shapes = {
  circle: (x, y) => x * x + y * y <= 1,
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) <= 0.85,
  triangle: (x, y) => y <= 0.85 && y >= 2 * Math.abs(x) - 0.95,
  cross: (x, y) => Math.min(Math.abs(x), Math.abs(y)) <= 0.3 && Math.max(Math.abs(x), Math.abs(y)) <= 1,
};
/** Share of the supervised answers that are invented. */
const inventedShare = 0.3;

/** Where data/ is made: the folder named behind the script, or the script's own. */
const folder = process.argv[2] ?? fileURLToPath(new URL('.', import.meta.url));
const random = randomNumbers(2024);

rmSync(join(folder, 'data'), { recursive: true, force: true });
mkdirSync(join(folder, 'data', 'pictures'), { recursive: true });
const sft = repeat(1200, (at) => singleRow(`s${at}`));
const train = repeat(300, (at) => pairRow(draw(`t${at}`, scene()), question()));
const heldOut = shuffled(repeat(75, (at) => twinRows(`h${at}`)).flat());
for (const [name, rows] of Object.entries({ sft, train, 'held-out': heldOut })) write(`${name}.json`, rows);

/** Two different shapes of different colours in two of the four places. */
function scene() {
  const [first, second] = shuffled([0, 1, 2, 3]);
  const [shape, otherShape] = shuffled(Object.keys(shapes));
  const [colour, otherColour, absentColour] = shuffled(Object.keys(colours));
  return {
    things: [
      { place: first, shape, colour, size: 0.7 + 0.25 * random(), shift: [jitter(), jitter()] },
      {
        place: second,
        shape: otherShape,
        colour: otherColour,
        size: 0.7 + 0.25 * random(),
        shift: [jitter(), jitter()],
      },
    ],
    absentColour,
  };
}

function question() {
  return pick(['What colour is the {shape}?', 'Tell me the colour of the {shape}.', 'The {shape}, what colour is it?']);
}

function draw(name, made) {
  writeFileSync(join(folder, 'data', 'pictures', `${name}.png`), png(made.things));
  return { name, ...made };
}

function singleRow(name) {
  const { things, absentColour } = draw(name, scene());
  const [{ shape, colour }] = things;
  const told = random() < inventedShare ? absentColour : colour;
  return row(name, question(), shape, { output: answer(shape, told) });
}

function pairRow({ name, things, absentColour }, text) {
  const [{ shape, colour }] = things;
  return row(name, text, shape, { chosen: answer(shape, colour), rejected: answer(shape, absentColour) });
}

/** A row and its twin, whose picture differs in the colour that is asked for alone. */
function twinRows(name) {
  const made = scene();
  const [asked, other] = made.things;
  const twin = { things: [{ ...asked, colour: made.absentColour }, other], absentColour: asked.colour };
  const text = question();
  return [pairRow(draw(`${name}a`, made), text), pairRow(draw(`${name}b`, twin), text)];
}

function answer(shape, colour) {
  return `The ${shape} is ${colour}.`;
}

function row(name, text, shape, { output, chosen, rejected }) {
  const asked = { from: 'human', value: `<image>${text.replace('{shape}', shape)}` };
  const images = [`pictures/${name}.png`];
  const told = (value) => ({ from: 'gpt', value });
  if (output !== undefined) return { conversations: [asked, told(output)], images };
  return { conversations: [asked], chosen: told(chosen), rejected: told(rejected), images };
}

/** An 8-bit RGB PNG (ISO/IEC 15948): signature, header, one deflated block of unfiltered lines, end. */
function png(things) {
  const lines = Buffer.alloc(side * (1 + 3 * side));
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) lines.set(pixel(things, x, y), y * (1 + 3 * side) + 1 + 3 * x);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 2, 0, 0, 0], 8); // bits, RGB, deflate, no filter method, not interlaced
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(lines)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type, data) {
  const framed = Buffer.alloc(12 + data.length);
  framed.writeUInt32BE(data.length, 0);
  framed.write(type, 4, 'latin1');
  framed.set(data, 8);
  framed.writeUInt32BE(crc32(framed.subarray(4, 8 + data.length)), 8 + data.length);
  return framed;
}

function pixel(things, x, y) {
  for (const { place, shape, colour, size, shift } of things) {
    const radius = (size * side) / 4;
    const centreX = ((place % 2) + 0.5) * (side / 2) + shift[0];
    const centreY = (Math.floor(place / 2) + 0.5) * (side / 2) + shift[1];
    if (shapes[shape]((x + 0.5 - centreX) / radius, (y + 0.5 - centreY) / radius)) return colours[colour];
  }
  return [235, 235, 235];
}

function write(name, rows) {
  writeFileSync(join(folder, 'data', name), `[\n${rows.map((each) => `  ${JSON.stringify(each)}`).join(',\n')}\n]\n`);
  console.log(`data/${name}: ${rows.length} rows`);
}

function jitter() {
  return 3 * (random() - 0.5);
}

function repeat(count, make) {
  return Array.from({ length: count }, (_, at) => make(at));
}

function pick(list) {
  return list[Math.floor(random() * list.length)];
}

/** Fisher and Yates. */
function shuffled(list) {
  const copy = [...list];
  for (let last = copy.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [copy[last], copy[other]] = [copy[other], copy[last]];
  }
  return copy;
}

/** Uniform numbers in [0, 1) from the linear congruential generator x ← 1664525·x + 1013904223 mod 2³² (Knuth). */
function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
