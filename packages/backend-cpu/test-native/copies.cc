// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "harness.h"

namespace llmf::test {
namespace {

Doubles rows_at(const Floats& table, const Integers& ids, int64_t columns) {
  Doubles rows;
  for (const int32_t id : ids) {
    for (int64_t i = 0; i < columns; i++) rows.push_back(table[static_cast<size_t>(id * columns + i)]);
  }
  return rows;
}

void gather(Random& random) {
  const int64_t rows = 1 + random.below(60), columns = random.size(150);
  const Integers ids = random.integers(random.size(400), rows);
  const Floats table = random.floats(rows * columns);
  const int64_t count = static_cast<int64_t>(ids.size());
  Floats y = output(count * columns);
  Call("gather").numbers({{"count", count}, {"rows", rows}, {"columns", columns}}).in("ids", ids).in("table", table)
      .out("y", y).run();
  expect_close("y", y, rows_at(table, ids, columns), 0);
}

void embedding(Random& random) {
  const int64_t vocabulary = 1 + random.below(60), columns = random.size(150);
  const Integers ids = random.integers(random.size(400), vocabulary);
  const Weight table = random_weight(random, vocabulary * columns);
  const int64_t tokens = static_cast<int64_t>(ids.size());
  Floats y = output(tokens * columns);
  Call("embedding").numbers({{"tokens", tokens}, {"vocabulary", vocabulary}, {"columns", columns}}).in("ids", ids)
      .in("table", table).out("y", y).run();
  expect_close("y", y, rows_at(table.values, ids, columns), 0);
}

/** Ids out of range are left out. */
void embedding_gradient(Random& random) {
  const int64_t vocabulary = 1 + random.below(60), columns = random.size(150);
  const Integers ids = random.integers(random.size(400), vocabulary + 2);
  const int64_t tokens = static_cast<int64_t>(ids.size());
  const Floats dy = random.floats(tokens * columns);
  Floats d_table = output(vocabulary * columns);
  Call("embeddingGradient").numbers({{"tokens", tokens}, {"vocabulary", vocabulary}, {"columns", columns}}).in("dy", dy)
      .in("ids", ids).out("dTable", d_table).run();
  Doubles expected(d_table.size(), 0);
  for (size_t t = 0; t < ids.size(); t++) {
    if (ids[t] >= vocabulary) continue;
    for (int64_t i = 0; i < columns; i++) {
      expected[static_cast<size_t>(ids[t] * columns + i)] += dy[t * static_cast<size_t>(columns) + static_cast<size_t>(i)];
    }
  }
  expect_close("dTable", d_table, expected, kExact);
}

/** A box within an array, copied to a dense array with its axes in another order. */
void strided_copy(Random& random) {
  const size_t axes = static_cast<size_t>(1 + random.below(4));
  Integers whole(axes), box(axes), first(axes), strides(axes);
  int64_t count = 1, from_offset = 0;
  for (size_t axis = axes; axis-- > 0;) {
    whole[axis] = static_cast<int32_t>(1 + random.below(axes <= 2 ? 120 : 18));
    box[axis] = static_cast<int32_t>(random.chance(5) ? 0 : 1 + random.below(whole[axis]));
    first[axis] = static_cast<int32_t>(random.below(whole[axis] - box[axis] + 1));
    strides[axis] = static_cast<int32_t>(count);
    from_offset += first[axis] * count;
    count *= whole[axis];
  }
  std::vector<size_t> order(axes);
  for (size_t i = 0; i < axes; i++) order[i] = i;
  for (size_t i = axes; i-- > 1;) std::swap(order[i], order[static_cast<size_t>(random.below(static_cast<int64_t>(i) + 1))]);
  Integers sizes(axes), from_strides(axes), to_strides(axes);
  int64_t copied = 1;
  for (size_t axis = axes; axis-- > 0;) {
    sizes[axis] = box[order[axis]], from_strides[axis] = strides[order[axis]];
    to_strides[axis] = static_cast<int32_t>(copied);
    copied *= sizes[axis];
  }
  const Floats from = random.floats(count);
  Floats to = output(copied);
  Call call("stridedCopy");
  call.number("axes", axes).in("sizes", sizes).in("fromStrides", from_strides).in("toStrides", to_strides)
      .numbers({{"fromOffset", from_offset}, {"toOffset", 0}});
  call.in("from", from).out("to", to).run();
  Doubles expected;
  for (int64_t i = 0; i < copied; i++) {
    int64_t rest = i, at = from_offset;
    for (size_t axis = axes; axis-- > 0;) {
      at += rest % sizes[axis] * from_strides[axis];
      rest /= sizes[axis];
    }
    expected.push_back(from[static_cast<size_t>(at)]);
  }
  expect_close("to", to, expected, 0);
}

}  // namespace

std::vector<Test> copy_tests() {
  return {{"gather", gather},
          {"embedding", embedding},
          {"embeddingGradient", embedding_gradient},
          {"stridedCopy", strided_copy}};
}

}  // namespace llmf::test
