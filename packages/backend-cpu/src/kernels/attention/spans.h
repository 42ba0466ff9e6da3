// SPDX-License-Identifier: Apache-2.0
// Which keys a query of a span sees. Keys of a span are numbered in one row: its prefix first, then its own.
// Included inside the namespace of an instruction path.
#pragma once

/** As AttentionSpan in nn's contracts, seven int32 in this order. */
struct Span {
  int32_t query_start, query_length, key_start, key_length, prefix_start, prefix_length, causal;

  int64_t keys() const { return static_cast<int64_t>(prefix_length) + key_length; }
  /** Row of k and v that holds key `index`. */
  int64_t row_of_key(int64_t index) const {
    return index < prefix_length ? prefix_start + index : key_start + index - prefix_length;
  }
  /** The number that query `i` has among the keys: that of its own. */
  int64_t number_of(int64_t i) const { return static_cast<int64_t>(prefix_length) + i + key_length - query_length; }
};

struct KeyRange {
  int64_t begin, end;
};

struct Sight {
  int64_t window;  // 0: any distance

  /** The keys that query `i` of the span sees. */
  KeyRange of(const Span& span, int64_t i) const {
    const int64_t position = span.number_of(i);
    const int64_t begin = window > 0 && position - window + 1 > 0 ? position - window + 1 : 0;
    int64_t end = span.keys();
    if (span.causal) end = position + 1;
    else if (window > 0 && position + window < end) end = position + window;
    return {begin, end};
  }
};

/** What is added to scores: values [H, entries], or null; see BiasPlace in nn's contracts. */
struct Bias {
  const float* values;
  int64_t entries, zero;
  bool by_distance;

  /** The entry of key 0 for query `i`, in the head's row; keys follow one another. */
  int64_t entry_of(const Span& span, int64_t i) const { return by_distance ? zero - span.number_of(i) : 0; }
};
