// SPDX-License-Identifier: Apache-2.0
// int32 and bool (one byte) to float32.

void cast_integers(Arguments& arguments) {
  const int64_t count = arguments.size();
  const int32_t* const x = arguments.integers(count);
  float* const y = arguments.output(count);
  if (!arguments.ok()) return;
  for (int64_t i = 0; i < count; i++) y[i] = static_cast<float>(x[i]);
}

void cast_bytes(Arguments& arguments) {
  const int64_t count = arguments.size();
  const uint8_t* const x = arguments.bytes(count);
  float* const y = arguments.output(count);
  if (!arguments.ok()) return;
  for (int64_t i = 0; i < count; i++) y[i] = static_cast<float>(x[i]);
}
