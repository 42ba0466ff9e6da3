// SPDX-License-Identifier: Apache-2.0
// Working memory of a thread: a stack of 64-byte aligned blocks that stays allocated between calls. A `Scratch` gives
// back in its destructor what was taken since its constructor.
#pragma once
#include <cstddef>
#include <cstdint>
#include <new>

namespace llmf {

/** There is no memory for so many bytes. */
struct OutOfMemory : std::bad_alloc {
  explicit OutOfMemory(int64_t wanted) : bytes(wanted) {}
  const char* what() const noexcept override { return "out of memory"; }
  int64_t bytes;
};

class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  /** @throws OutOfMemory */
  void* bytes(int64_t count);
  template <class Element>
  Element* take(int64_t count) {
    int64_t size = 0;
    if (__builtin_mul_overflow(count, static_cast<int64_t>(sizeof(Element)), &size)) throw OutOfMemory(count);
    return static_cast<Element*>(bytes(size));
  }

 private:
  int block_;
  int64_t used_;
};

/** What all threads hold for it together. */
int64_t scratch_bytes();

/** 64-byte aligned; large blocks start at a huge page. @throws OutOfMemory */
void* allocate_aligned(int64_t bytes);
void free_aligned(void* block);

}  // namespace llmf
