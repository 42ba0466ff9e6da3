// SPDX-License-Identifier: Apache-2.0
// Weights and moments in fewer bits: what is packed lies as near as its codes allow. And the peak of products, which counts.
#include <algorithm>

#include "harness.h"

namespace llmf::test {
namespace {

float largest(const Floats& values, size_t begin, size_t end) {
  float most = 0;
  for (size_t i = begin; i < end; i++) most = std::fmax(most, std::fabs(values[i]));
  return most;
}

/** A book of sixteen evenly spaced values in [−1, 1], its bounds and the order of its codes. */
void pack_nearest(Random& random) {
  const int64_t count = random.size(3000), block = 2 * (1 + random.below(40));
  const Weight weight = random_weight(random, count);
  const int64_t blocks = (count + block - 1) / block;
  Floats bounds, scales = output(blocks);
  Bytes order(16), codes(static_cast<size_t>((count + 1) / 2));
  for (int i = 0; i < 15; i++) bounds.push_back((2 * i - 14) / 15.0f);
  for (int i = 0; i < 16; i++) order[static_cast<size_t>(i)] = static_cast<uint8_t>(15 - i);
  Integers finite(1, 1);
  Call("packNearest").numbers({{"count", count}, {"blockSize", block}}).in("weight", weight).in("bounds", bounds)
      .in("order", order).out("codes", codes).out("scales", scales).out("isFinite", finite).run();
  if (finite[0] != 1) fail("a finite weight is said to be none");
  for (int64_t i = 0; i < count; i++) {
    const size_t at = static_cast<size_t>(i), of = static_cast<size_t>(i / block * block);
    const float scale = largest(weight.values, of, std::min(weight.values.size(), of + static_cast<size_t>(block)));
    if (std::fabs(scales[static_cast<size_t>(i / block)] - std::fmax(scale, 1e-38f)) > 1e-6f && scale > 0) return fail("another scale");
    const int code = i % 2 == 0 ? codes[at / 2] >> 4 : codes[at / 2] & 15;
    const double value = scale * (2.0 * (15 - code) - 15) / 15;
    if (std::fabs(value - weight.values[at]) > scale / 15 * 1.0001) return fail("a code that is not the nearest");
  }
}

void pack_rows(Random& random) {
  const int64_t rows = random.size(30), columns = random.size(120);
  const Weight weight = random_weight(random, rows * columns);
  Bytes codes(static_cast<size_t>(rows * columns));
  Floats scales = output(rows);
  Integers finite(1, 1);
  Call("packRows").numbers({{"rows", rows}, {"columns", columns}}).in("weight", weight).out("codes", codes)
      .out("scales", scales).out("isFinite", finite).run();
  if (finite[0] != 1) fail("a finite weight is said to be none");
  for (int64_t row = 0; row < rows; row++) {
    const size_t begin = static_cast<size_t>(row * columns), end = begin + static_cast<size_t>(columns);
    const float most = largest(weight.values, begin, end);
    if (scales[static_cast<size_t>(row)] != most) return fail("another scale");
    for (size_t i = begin; i < end; i++) {
      const double value = static_cast<int8_t>(codes[i]) * static_cast<double>(most) / 127;
      if (std::fabs(value - weight.values[i]) > most / 127 * 0.5001) return fail("a code that is not the nearest");
    }
  }
}

/** Ascending, from −1 to 1, with 0 in it. */
Floats ascending_book() {
  Floats book;
  for (int i = 0; i < 256; i++) book.push_back(std::copysign(std::pow(std::fabs((i - 127) / 128.0f), 1.5f), static_cast<float>(i - 127)));
  return book;
}

/** Where the search of a value's code may begin: the last code not above all values with these upper bits. */
Bytes first_codes(const Floats& book) {
  Bytes first(65536, 0);
  for (uint32_t upper = 0; upper < 65536; upper++) {
    const float low = std::fmin(from_bf16(static_cast<uint16_t>(upper)), from_bf16(static_cast<uint16_t>(upper)) * 1.01f);
    int code = 0;
    while (code < 255 && book[static_cast<size_t>(code + 1)] <= low) code++;
    first[upper] = static_cast<uint8_t>(code);
  }
  return first;
}

void pack_dynamic(Random& random) {
  static const Floats book = ascending_book();
  static const Bytes first = first_codes(book);
  const int64_t count = random.size(2000), block = 1 + random.below(300);
  const Floats values = random.floats(count);
  Bytes codes(static_cast<size_t>(count));
  Floats scales = output((count + block - 1) / block);
  Call("packDynamic").numbers({{"count", count}, {"blockSize", block}, {"offset", 0}}).in("book", book).in("values", values)
      .in("first", first).out("codes", codes).out("scales", scales).run();
  for (size_t i = 0; i < values.size(); i++) {
    const size_t of = i / static_cast<size_t>(block) * static_cast<size_t>(block);
    const float most = largest(values, of, std::min(values.size(), of + static_cast<size_t>(block)));
    const float wanted = most == 0 ? 0 : values[i] / most;
    float least = 9;
    for (const float entry : book) least = std::fmin(least, std::fabs(wanted - entry));
    if (std::fabs(wanted - book[codes[i]]) > least + 1e-6f) return fail("a code that is not the nearest");
  }
}

void expand_dynamic(Random& random) {
  static const Floats book = ascending_book();
  const int64_t count = random.size(2000), block = 1 + random.below(300);
  const Floats scales = random.floats((count + block - 1) / block);
  Bytes codes(static_cast<size_t>(count));
  for (uint8_t& code : codes) code = static_cast<uint8_t>(random.below(256));
  Floats values = output(count);
  Call("expandDynamic").numbers({{"count", count}, {"blockSize", block}}).in("book", book).in("codes", codes)
      .in("scales", scales).out("values", values).run();
  Doubles expected;
  for (int64_t i = 0; i < count; i++) {
    expected.push_back(static_cast<double>(book[codes[static_cast<size_t>(i)]]) * scales[static_cast<size_t>(i / block)]);
  }
  expect_close("values", values, expected, 1e-6);
}

void products_peak(Random& random) {
  Floats done = output(1), twice = output(1);
  const int64_t steps = 1 + random.below(200);
  const bool rounds = random.chance(50);
  Call("productsPeak").numbers({{"rounds", rounds}, {"steps", steps}}).out("done", done).run();
  Call("productsPeak").numbers({{"rounds", rounds}, {"steps", 2 * steps}}).out("done", twice).run();
  if (!(done[0] > 0) || std::fabs(twice[0] / done[0] - 2) > 1e-3) fail("operations that do not count steps");
}

}  // namespace

std::vector<Test> packing_tests() {
  return {{"packNearest", pack_nearest}, {"packRows", pack_rows},         {"packDynamic", pack_dynamic},
          {"expandDynamic", expand_dynamic}, {"productsPeak", products_peak}};
}

}  // namespace llmf::test
