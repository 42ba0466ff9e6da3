// SPDX-License-Identifier: Apache-2.0
// The boundary between JS and kernels. Every kernel is `void name(Arguments&)`: it reads numbers and arrays in order,
// stating the length each array must have, then asks `ok()` once. A mismatch becomes a message, never a wild pointer.
#pragma once
#include <cstdint>
#include <cstdio>

namespace llmf {

enum class ElementType : uint8_t { none, f32, i32, u16, u8 };

inline const char* name_of(ElementType type) {
  static const char* const names[] = {"nothing", "float32", "int32", "uint16", "uint8"};
  return names[static_cast<int>(type)];
}

inline int64_t size_of(ElementType type) {
  static const int64_t bytes[] = {0, 4, 4, 2, 1};
  return bytes[static_cast<int>(type)];
}

/** One argument: a number, an array, or absent (both zero). */
struct Value {
  ElementType type = ElementType::none;
  bool is_number = false;
  void* data = nullptr;
  int64_t length = 0;
  double number = 0;
};

inline Value number_value(double number) { return {ElementType::none, true, nullptr, 0, number}; }
inline Value array_value(ElementType type, void* data, int64_t length) { return {type, false, data, length, 0}; }

/** A matrix operand whose storage is known at run time only. */
struct Storage {
  const void* data = nullptr;
  ElementType type = ElementType::none;  // f32, or u16 for bf16
};

class Arguments {
 public:
  Arguments(const Value* values, int count) : values_(values), count_(count) {}

  double number() {
    const Value& value = next();
    if (!value.is_number) mismatch("a number", value);
    return value.number;
  }
  float scalar() { return static_cast<float>(number()); }
  int64_t integer() { return static_cast<int64_t>(number()); }
  /** A size: not negative. */
  int64_t size() {
    const int64_t value = integer();
    if (value < 0) fail("a size is negative");
    return value < 0 ? 0 : value;
  }

  const float* floats(int64_t length) { return static_cast<const float*>(array(ElementType::f32, length)); }
  const int32_t* integers(int64_t length) { return static_cast<const int32_t*>(array(ElementType::i32, length)); }
  const uint8_t* bytes(int64_t length) { return static_cast<const uint8_t*>(array(ElementType::u8, length)); }
  float* output(int64_t length) { return static_cast<float*>(array(ElementType::f32, length)); }
  int32_t* output_integers(int64_t length) { return static_cast<int32_t*>(array(ElementType::i32, length)); }
  uint16_t* output_bf16(int64_t length) { return static_cast<uint16_t*>(array(ElementType::u16, length)); }
  /** As floats, or nullptr where JS passed null. */
  const float* optional_floats(int64_t length) { return peek_absent() ? (next(), nullptr) : floats(length); }
  float* optional_output(int64_t length) { return peek_absent() ? (next(), nullptr) : output(length); }

  const int32_t* optional_integers(int64_t length) { return peek_absent() ? (next(), nullptr) : integers(length); }
  int32_t* optional_output_integers(int64_t length) { return peek_absent() ? (next(), nullptr) : output_integers(length); }

  const uint16_t* optional_bf16(int64_t length) {
    return peek_absent() ? (next(), nullptr) : static_cast<const uint16_t*>(array(ElementType::u16, length));
  }

  /** Any values of four bytes, to be copied as they are. */
  const uint32_t* words(int64_t length) { return static_cast<const uint32_t*>(four_bytes(length)); }
  uint32_t* output_words(int64_t length) { return static_cast<uint32_t*>(four_bytes(length)); }

  /** float32 values or bf16 bits. */
  Storage weight(int64_t length) {
    const Value& value = next();
    const bool known = value.type == ElementType::f32 || value.type == ElementType::u16;
    if (!known) mismatch("float32 or bf16 values", value);
    if (known && value.length < length) too_short(value, length);
    return {value.data, value.type};
  }
  Storage optional_weight(int64_t length) { return peek_absent() ? (next(), Storage{}) : weight(length); }

  void fail(const char* message) {
    if (ok()) std::snprintf(error_, sizeof error_, "%s", message);
  }
  bool ok() const { return error_[0] == 0; }
  const char* error() const { return error_; }

 private:
  const Value* values_;
  int count_;
  int cursor_ = 0;
  char error_[160] = {0};

  bool peek_absent() const {
    return cursor_ < count_ && !values_[cursor_].is_number && values_[cursor_].type == ElementType::none;
  }

  const Value& next() {
    static const Value absent;
    if (cursor_ < count_) return values_[cursor_++];
    if (ok()) std::snprintf(error_, sizeof error_, "argument %d is missing", cursor_);
    return absent;
  }

  void* four_bytes(int64_t length) {
    const Value& value = next();
    if (value.type != ElementType::f32 && value.type != ElementType::i32) mismatch("float32 or int32 values", value);
    else if (value.length < length) too_short(value, length);
    return value.data;
  }

  void* array(ElementType type, int64_t length) {
    const Value& value = next();
    if (value.type != type) {
      if (ok()) mismatch(name_of(type), value);
      return nullptr;
    }
    if (value.length < length) too_short(value, length);
    return value.data;
  }

  void mismatch(const char* expected, const Value& value) {
    if (!ok()) return;
    const char* got = value.is_number ? "a number" : name_of(value.type);
    std::snprintf(error_, sizeof error_, "argument %d: expected %s, got %s", cursor_ - 1, expected, got);
  }

  void too_short(const Value& value, int64_t length) {
    if (!ok()) return;
    std::snprintf(error_, sizeof error_, "argument %d: expected %lld elements, got %lld", cursor_ - 1,
                  static_cast<long long>(length), static_cast<long long>(value.length));
  }
};

using Kernel = void (*)(Arguments&);

}  // namespace llmf
