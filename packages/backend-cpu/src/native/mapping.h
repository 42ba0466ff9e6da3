// SPDX-License-Identifier: Apache-2.0
// Bytes of a file as memory that can only be read: nothing is copied, the pages are the system's own cache of the file,
// shared by every process that maps it and taken back by the system when memory is short.
#pragma once
#include <cstddef>
#include <cstdint>

namespace llmf {

/** Whole pages; the wanted bytes are the last `wanted` of `size`. */
struct Mapping {
  void* pages = nullptr;
  size_t size = 0;
};

/**
 * Maps `wanted` bytes of an open file from `position` on. The mapping outlives the descriptor.
 *
 * @returns nullptr, else what is wrong with the arguments; `mapping.pages` stays null where the system cannot map it
 */
const char* map_file(int descriptor, int64_t position, int64_t wanted, Mapping& mapping);

void unmap_file(const Mapping& mapping);

/**
 * How often bytes of a mapping could not be read so far, because the file was cut or its disk failed: zeros were read
 * instead, where the system would have ended the process.
 */
int64_t lost_pages();

/** Gives back the pages that lie wholly within `size` bytes of a mapping; they are read from the file when needed again. */
void forget_pages(void* begin, size_t size);

}  // namespace llmf
