// SPDX-License-Identifier: Apache-2.0
// Lengths that signatures state of arrays with strides. Included inside the namespace of an instruction path.

/** Elements of an array of these sizes; 0 where one is negative. */
inline int64_t elements(int64_t axes, const int32_t* sizes) {
  int64_t count = 1;
  for (int64_t axis = 0; axis < axes; axis++) count *= sizes[axis] > 0 ? sizes[axis] : 0;
  return count;
}

/** Elements from the first one to the last one that these strides reach. */
inline int64_t reach(int64_t axes, const int32_t* sizes, const int32_t* strides) {
  if (elements(axes, sizes) == 0) return 0;
  int64_t last = 0;
  for (int64_t axis = 0; axis < axes; axis++) last += static_cast<int64_t>(sizes[axis] - 1) * strides[axis];
  return last + 1;
}
inline int64_t reach_from(int64_t offset, int64_t axes, const int32_t* sizes, const int32_t* strides) {
  const int64_t length = reach(axes, sizes, strides);
  return length > 0 ? offset + length : 0;
}

/** Elements of a batch of matrices, each `stride` after the one before it. */
inline int64_t of_batch(int64_t batch, int64_t stride, int64_t matrix) {
  return batch > 0 ? (batch - 1) * stride + matrix : 0;
}
