// SPDX-License-Identifier: Apache-2.0
// The boundary between JS and kernels. A kernel's signature.ts declares what it takes; the build writes from it a struct,
// whose member function `run` is the kernel, and `read`, which fills the struct: numbers and arrays in the order of the
// signature, each array at least as long as declared. A mismatch becomes a message, never a wild pointer.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <new>

namespace llmf {

/** A list holds arrays of other types; the last five are weights of several arrays: see PackedParts. */
enum class ElementType : uint8_t { none, f32, i32, u16, u8, i8, list, f16, four_bits, eight_bits, blocks, groups };

constexpr bool is_packed(ElementType type) { return type >= ElementType::f16; }

inline const char* name_of(ElementType type) {
  static const char* const names[] = {"nothing", "float32", "int32", "uint16", "uint8", "int8", "a list", "a packed weight", "a packed weight", "a packed weight", "a packed weight", "a packed weight"};
  return names[static_cast<int>(type)];
}

inline int64_t size_of(ElementType type) {
  static const int64_t bytes[] = {0, 4, 4, 2, 1, 1, 0, 0, 0, 0, 0, 0};
  return bytes[static_cast<int>(type)];
}

constexpr int kMostParts = 7;

/** Blocks of GGUF files, as backend/weight-forms.ts numbers them. */
enum class BlockKind : uint8_t { q8_0, q4_0, q4_1, q5_0, q5_1, q4_k, q5_k, q6_k };
constexpr int kBlockKinds = 8;

struct BlockShape {
  int64_t weights, bytes;
};

constexpr BlockShape shape_of(BlockKind kind) {
  constexpr BlockShape shapes[] = {{32, 34}, {32, 18}, {32, 20}, {32, 22}, {32, 24}, {256, 144}, {256, 176}, {256, 210}};
  return shapes[static_cast<int>(kind)];
}

/**
 * An array, or none; or a packed weight: its parts, and a number that its kind explains (PackedParts::run); or a list:
 * its `length` parts.
 */
struct Array {
  ElementType type = ElementType::none;
  void* data = nullptr;
  int64_t length = 0;
  const Array* parts = nullptr;
  int64_t run = 1;
};

/** What a weight in fewer bits is read from; lengths are checked with the weight's. */
struct PackedParts {
  const void* codes = nullptr;
  const float* book = nullptr;
  const float* scales = nullptr;  // or null, and
  const uint8_t* scale_codes = nullptr;
  const float *scale_book = nullptr, *nested_scales = nullptr, *scale_offset = nullptr;
  const uint8_t* zeros = nullptr;           // of groups: a row's after those of the row before
  const int32_t* column_groups = nullptr;  // the group of each column
  int64_t groups = 0;                       // of a row
  int64_t run = 1;  // elements that share a scale; of blocks their kind, of groups the columns of a row
};

/** A matrix operand whose storage is known at run time only. */
struct Storage {
  const void* data = nullptr;
  ElementType type = ElementType::none;  // f32, u16 for bf16, or packed
  PackedParts parts = {};
  int64_t start = 0;  // of a packed one: its first element

  /** From this element on. */
  Storage from(int64_t element) const {
    if (is_packed(type)) return {data, type, parts, start + element};
    return {static_cast<const char*>(data) + element * size_of(type), type};
  }
};

class Arguments {
 public:
  Arguments(const double* numbers, int number_count, const Array* arrays, int array_count)
      : numbers_(numbers), number_count_(number_count), arrays_(arrays), array_count_(array_count) {}
  ~Arguments() {
    for (int i = 0; i < list_count_; i++) ::operator delete(lists_[i]);
  }
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  double number(const char* name) {
    if (next_number_ < number_count_) return numbers_[next_number_++];
    if (ok()) std::snprintf(error_, sizeof error_, "%s is missing", name);
    return 0;
  }
  float scalar(const char* name) { return static_cast<float>(number(name)); }
  bool flag(const char* name) { return number(name) != 0; }
  int64_t integer(const char* name) {
    const double value = number(name);
    constexpr double kMost = 9007199254740992.0;  // 2⁵³: integers of JS
    if (value == std::floor(value) && value >= -kMost && value <= kMost) return static_cast<int64_t>(value);
    if (ok()) std::snprintf(error_, sizeof error_, "%s: expected an integer, got %g", name, value);
    return 0;
  }
  /** Not negative, and small enough that a kernel's own multiples of it do not overflow. */
  int64_t size(const char* name) {
    const int64_t value = integer(name);
    constexpr int64_t kMost = int64_t{1} << 40;
    if (value >= 0 && value <= kMost) return value;
    if (ok()) std::snprintf(error_, sizeof error_, "%s: a size is %s", name, value < 0 ? "negative" : "beyond 2^40");
    return 0;
  }

  const float* floats(const char* name, double length) { return array<const float>(name, ElementType::f32, length); }
  const int32_t* integers(const char* name, double length) { return array<const int32_t>(name, ElementType::i32, length); }
  const uint8_t* bytes(const char* name, double length) { return array<const uint8_t>(name, ElementType::u8, length); }
  const uint16_t* bf16(const char* name, double length) { return array<const uint16_t>(name, ElementType::u16, length); }
  float* output(const char* name, double length) { return array<float>(name, ElementType::f32, length); }
  int32_t* output_integers(const char* name, double length) { return array<int32_t>(name, ElementType::i32, length); }
  uint8_t* output_bytes(const char* name, double length) { return array<uint8_t>(name, ElementType::u8, length); }
  uint16_t* output_bf16(const char* name, double length) { return array<uint16_t>(name, ElementType::u16, length); }

  // nullptr where JS passed null.
  const float* optional_floats(const char* name, double length) { return is_null() ? nullptr : floats(name, length); }
  const int32_t* optional_integers(const char* name, double length) { return is_null() ? nullptr : integers(name, length); }
  const uint16_t* optional_bf16(const char* name, double length) { return is_null() ? nullptr : bf16(name, length); }
  float* optional_output(const char* name, double length) { return is_null() ? nullptr : output(name, length); }
  int32_t* optional_output_integers(const char* name, double length) {
    return is_null() ? nullptr : output_integers(name, length);
  }

  const uint32_t* words(const char* name, double length) { return output_words(name, length); }
  uint32_t* output_words(const char* name, double length) {
    const Array& value = next(name);
    if (value.type != ElementType::f32 && value.type != ElementType::i32) mismatch(name, "float32 or int32 values", value);
    else check_length(name, value, length);
    return static_cast<uint32_t*>(value.data);
  }
  /** float32 values or bf16 bits. */
  Storage weight(const char* name, double length) { return weight_in(name, next(name), length); }

  // Lists, whose elements all have this length; they live as long as the call.
  const Storage* weights(const char* name, double count, double length) {
    return list<Storage>(name, count, [&](const Array& value) { return weight_in(name, value, length); });
  }
  /** nullptr for elements that are null. */
  const float* const* floats_list(const char* name, double count, double length) {
    return pointers<const float>(name, ElementType::f32, count, length);
  }
  const uint16_t* const* bf16_list(const char* name, double count, double length) {
    return pointers<const uint16_t>(name, ElementType::u16, count, length);
  }
  float* const* output_list(const char* name, double count, double length) {
    return pointers<float>(name, ElementType::f32, count, length);
  }
  // nullptr where JS passed null.
  const float* const* optional_floats_list(const char* name, double count, double length) {
    return is_null() ? nullptr : floats_list(name, count, length);
  }
  const uint16_t* const* optional_bf16_list(const char* name, double count, double length) {
    return is_null() ? nullptr : bf16_list(name, count, length);
  }

  void fail(const char* message) {
    if (ok()) std::snprintf(error_, sizeof error_, "%s", message);
  }
  bool ok() const { return error_[0] == 0; }
  const char* error() const { return error_; }

 private:
  Storage weight_in(const char* name, const Array& value, double length) {
    if (is_packed(value.type)) return packed_weight(name, value, length);
    if (value.type != ElementType::f32 && value.type != ElementType::u16) mismatch(name, "float32 or bf16 values", value);
    else check_length(name, value, length);
    return {value.data, value.type};
  }

  /** `count` elements of the next list, each as `read` makes it. */
  template <class Element, class Read>
  const Element* list(const char* name, double count, const Read& read) {
    const Array& value = next(name);
    if (value.type != ElementType::list) mismatch(name, "a list", value);
    else check_length(name, value, count);
    if (list_count_ == kMostLists) fail("a call has too many lists");
    if (!ok()) return nullptr;
    Element* const elements = static_cast<Element*>(::operator new(static_cast<size_t>(value.length) * sizeof(Element) + 1));
    lists_[list_count_++] = elements;
    for (int64_t i = 0; i < value.length; i++) elements[i] = read(value.parts[i]);
    return elements;
  }

  template <class Element>
  Element* const* pointers(const char* name, ElementType type, double count, double length) {
    return list<Element*>(name, count, [&](const Array& value) -> Element* {
      if (value.type == ElementType::none) return nullptr;
      return static_cast<Element*>(const_cast<void*>(part(name, value, type, length)));
    });
  }

  /** As backend/weight-forms.ts passes it: codes, book, scales, codes of scales, their book, their scales, their offset. */
  Storage packed_weight(const char* name, const Array& value, double wanted) {
    if (!(wanted <= kLongest)) {
      check_length(name, value, wanted);
      return {};
    }
    const int64_t length = static_cast<int64_t>(wanted);
    if (value.type == ElementType::blocks) return blocks(name, value, length);
    if (value.type == ElementType::groups) return groups(name, value, length);
    const bool four = value.type == ElementType::four_bits, halves = value.type == ElementType::f16;
    const ElementType codes = four ? ElementType::u8 : halves ? ElementType::u16 : ElementType::i8;
    const int64_t run = value.run > 0 ? value.run : 1, scales = length / run + (length % run != 0);
    const Array* const of = value.parts;
    PackedParts parts;
    parts.run = run;
    parts.codes = part(name, of[0], codes, static_cast<double>(four ? (length + 1) / 2 : length));
    if (halves) return {nullptr, value.type, parts};
    if (four) parts.book = static_cast<const float*>(part(name, of[1], ElementType::f32, 16));
    if (of[2].type != ElementType::none || !four) {
      parts.scales = static_cast<const float*>(part(name, of[2], ElementType::f32, static_cast<double>(scales)));
    } else {
      parts.scale_codes = static_cast<const uint8_t*>(part(name, of[3], ElementType::u8, static_cast<double>(scales)));
      parts.scale_book = static_cast<const float*>(part(name, of[4], ElementType::f32, 256));
      parts.nested_scales = static_cast<const float*>(part(name, of[5], ElementType::f32, static_cast<double>((scales + 255) / 256)));
      parts.scale_offset = static_cast<const float*>(part(name, of[6], ElementType::f32, 1));
    }
    return {nullptr, value.type, parts};
  }

  Storage blocks(const char* name, const Array& value, int64_t length) {
    PackedParts parts;
    if (value.run < 0 || value.run >= kBlockKinds) {
      fail("a weight has blocks of no kind");
      return {nullptr, value.type, parts};
    }
    const BlockShape shape = shape_of(static_cast<BlockKind>(value.run));
    if (length % shape.weights != 0) fail("a weight is no whole number of blocks");
    parts.run = value.run;
    const double bytes = static_cast<double>(length / shape.weights) * static_cast<double>(shape.bytes);
    parts.codes = part(name, value.parts[0], ElementType::u8, bytes);
    return {nullptr, value.type, parts};
  }

  /** Codes, scales, zeros, groups of columns. */
  Storage groups(const char* name, const Array& value, int64_t length) {
    const Array* const of = value.parts;
    PackedParts parts;
    parts.run = value.run > 0 ? value.run : 1;
    const int64_t rows = length / parts.run;
    if (rows * parts.run != length) fail("a weight has a part of a row");
    parts.groups = rows > 0 ? of[1].length / rows : 0;
    const double scales = static_cast<double>(rows * parts.groups);
    parts.codes = part(name, of[0], ElementType::u8, static_cast<double>((length + 1) / 2));
    parts.scales = static_cast<const float*>(part(name, of[1], ElementType::f32, scales));
    parts.zeros = static_cast<const uint8_t*>(part(name, of[2], ElementType::u8, scales));
    parts.column_groups = static_cast<const int32_t*>(part(name, of[3], ElementType::i32, static_cast<double>(parts.run)));
    for (int64_t column = 0; ok() && column < parts.run; column++) {
      const int32_t group = parts.column_groups[column];
      if (group < 0 || group >= parts.groups) fail("a weight has a column of no group");
    }
    return {nullptr, value.type, parts};
  }

  const void* part(const char* name, const Array& value, ElementType type, double length) {
    if (value.type != type) mismatch(name, name_of(type), value);
    else check_length(name, value, length);
    return value.data;
  }

  static constexpr double kLongest = 9007199254740992.0;  // 2⁵³

  const double* numbers_;
  int number_count_, next_number_ = 0;
  const Array* arrays_;
  int array_count_, next_array_ = 0;
  static constexpr int kMostLists = 8;
  void* lists_[kMostLists];
  int list_count_ = 0;
  char error_[160] = {0};

  /** Steps over the next array if it is null. */
  bool is_null() {
    const bool null = next_array_ < array_count_ && arrays_[next_array_].type == ElementType::none;
    if (null) next_array_++;
    return null;
  }

  const Array& next(const char* name) {
    static const Array absent;
    if (next_array_ < array_count_) return arrays_[next_array_++];
    if (ok()) std::snprintf(error_, sizeof error_, "%s is missing", name);
    return absent;
  }

  template <class Element>
  Element* array(const char* name, ElementType type, double length) {
    const Array& value = next(name);
    if (value.type != type) {
      mismatch(name, name_of(type), value);
      return nullptr;
    }
    check_length(name, value, length);
    return static_cast<Element*>(value.data);
  }

  void mismatch(const char* name, const char* expected, const Array& value) {
    if (ok()) std::snprintf(error_, sizeof error_, "%s: expected %s, got %s", name, expected, name_of(value.type));
  }

  /** Lengths are products of sizes: as floating-point numbers they overflow nowhere, and are exact where arrays are. */
  void check_length(const char* name, const Array& value, double length) {
    if (static_cast<double>(value.length) >= length || !ok()) return;
    std::snprintf(error_, sizeof error_, "%s: expected %.0f elements, got %lld", name, length,
                  static_cast<long long>(value.length));
  }
};

/** What every kernel's struct is besides its parameters. */
struct KernelCall {
  Arguments* arguments = nullptr;

  /** Ends the call with an error in JS; `run` must return then. */
  void fail(const char* message) const { arguments->fail(message); }
};

/** Reads a call and runs it. */
using Kernel = void (*)(Arguments&);

}  // namespace llmf
