// SPDX-License-Identifier: Apache-2.0
// y[r] = Σ values[s] over s with response[s] = r, in order of s. float32; response is ascending.

void segment_sum(Arguments& arguments) {
  const int64_t count = arguments.size(), segments = arguments.size();
  const float* const values = arguments.floats(count);
  const int32_t* const response = arguments.integers(count);
  float* const y = arguments.output(segments);
  if (!arguments.ok()) return;
  memset(y, 0, static_cast<size_t>(segments) * sizeof(float));
  for (int64_t s = 0; s < count; s++) {
    if (response[s] < 0 || response[s] >= segments) return arguments.fail("a response index is out of range");
    y[response[s]] += values[s];
  }
}
