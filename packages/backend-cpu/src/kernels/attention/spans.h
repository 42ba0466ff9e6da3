// SPDX-License-Identifier: Apache-2.0
// Which keys a query of a span sees. Keys of a span are numbered in one row: its prefix first, then its own.
// Included inside the namespace of an instruction path.
#pragma once

/** As AttentionSpan in nn's contracts, six int32 in this order. */
struct Span {
  int32_t query_start, query_length, key_start, key_length, prefix_start, prefix_length;

  int64_t keys() const { return static_cast<int64_t>(prefix_length) + key_length; }
  /** Row of k and v that holds key `index`. */
  int64_t row_of_key(int64_t index) const {
    return index < prefix_length ? prefix_start + index : key_start + index - prefix_length;
  }
};

struct KeyRange {
  int64_t begin, end;
};

struct Sight {
  bool causal;
  int64_t window;  // 0: any distance

  /** The keys that query `i` of the span sees. */
  KeyRange of(const Span& span, int64_t i) const {
    const int64_t position = span.prefix_length + i + span.key_length - span.query_length;
    const int64_t begin = window > 0 && position - window + 1 > 0 ? position - window + 1 : 0;
    int64_t end = span.keys();
    if (causal) end = position + 1;
    else if (window > 0 && position + window < end) end = position + window;
    return {begin, end};
  }
};
