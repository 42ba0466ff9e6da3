// SPDX-License-Identifier: Apache-2.0
// Working memory of a thread: a stack of 64-byte aligned blocks that stays allocated between calls. A `Scratch` gives
// back in its destructor what was taken since its constructor.
#pragma once
#include <cstddef>
#include <cstdint>

namespace llmf {

class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  void* bytes(int64_t count);
  template <class Element>
  Element* take(int64_t count) {
    return static_cast<Element*>(bytes(count * static_cast<int64_t>(sizeof(Element))));
  }

 private:
  int block_;
  int64_t used_;
};

/** What all threads hold for it together. */
int64_t scratch_bytes();

/** 64-byte aligned; large blocks start at a huge page. Aborts when memory is exhausted. */
void* allocate_aligned(int64_t bytes);
void free_aligned(void* block);

}  // namespace llmf
