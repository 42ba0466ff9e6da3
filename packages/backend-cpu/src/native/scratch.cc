// SPDX-License-Identifier: Apache-2.0
#include "scratch.h"

#include <atomic>
#include <cstdlib>
#include <vector>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace llmf {
namespace {

constexpr int64_t kHugePage = int64_t{2} << 20;
constexpr int64_t kSmallestBlock = int64_t{1} << 20;
std::atomic<int64_t> held{0};

struct Block {
  char* data;
  int64_t size;
  int64_t used;
};

struct Arena {
  std::vector<Block> blocks;
  int current = -1;

  ~Arena() {
    for (Block& block : blocks) release(block);
  }

  static void release(Block& block) {
    free_aligned(block.data);
    held.fetch_sub(block.size, std::memory_order_relaxed);
  }

  void* take(int64_t bytes) {
    bytes = (bytes + 63) & ~int64_t{63};
    while (current < 0 || blocks[current].used + bytes > blocks[current].size) advance(bytes);
    char* result = blocks[current].data + blocks[current].used;
    blocks[current].used += bytes;
    return result;
  }

  /**
   * Makes the next block the current one; a block that is free but too small is replaced by a large one. Where there is
   * no memory, everything is as before but for the block that was too small.
   */
  void advance(int64_t bytes) {
    const int next = current + 1;
    if (next < static_cast<int>(blocks.size()) && blocks[next].size < bytes) {
      release(blocks[next]);
      blocks.erase(blocks.begin() + next);
    }
    if (next == static_cast<int>(blocks.size()) || blocks[next].size < bytes) insert(next, bytes);
    current = next;
  }

  void insert(int at, int64_t bytes) {
    const int64_t size = bytes > kSmallestBlock ? bytes : kSmallestBlock;
    blocks.reserve(blocks.size() + 1);
    blocks.insert(blocks.begin() + at, {static_cast<char*>(allocate_aligned(size)), size, 0});
    held.fetch_add(size, std::memory_order_relaxed);
  }
};

thread_local Arena arena;

}  // namespace

Scratch::Scratch() : block_(arena.current), used_(block_ < 0 ? 0 : arena.blocks[block_].used) {}

Scratch::~Scratch() {
  for (int block = block_ + 1; block <= arena.current; block++) arena.blocks[block].used = 0;
  if (block_ >= 0) arena.blocks[block_].used = used_;
  arena.current = block_;
}

void* Scratch::bytes(int64_t count) { return arena.take(count > 0 ? count : 1); }

int64_t scratch_bytes() { return held.load(std::memory_order_relaxed); }

void* allocate_aligned(int64_t bytes) {
  const int64_t alignment = bytes >= kHugePage ? kHugePage : 64;
  void* block = nullptr;
  if (bytes < 0 || posix_memalign(&block, static_cast<size_t>(alignment), static_cast<size_t>(bytes)) != 0) {
    throw OutOfMemory(bytes);
  }
#if defined(__linux__)
  if (bytes >= kHugePage) madvise(block, static_cast<size_t>(bytes), MADV_HUGEPAGE);
#endif
  return block;
}

void free_aligned(void* block) { std::free(block); }

}  // namespace llmf
