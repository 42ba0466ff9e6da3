// SPDX-License-Identifier: Apache-2.0
// C[b] = A[b] B[b] (+ bias), each factor possibly transposed, broadcast over the batch by a stride of 0. float32.

void MatMul::run() const {
  const auto multiply = [&](int64_t index) {
    Product product;
    product.m = m, product.n = n, product.k = k;
    const float *const left = a + index * a_batch, *const right = b + index * b_batch;
    product.a = transpose_a ? columns_of(left, m) : rows_of(left, k);
    product.b = transpose_b ? rows_of(right, k) : columns_of(right, n);
    product.c = c + index * m * n, product.c_stride = n, product.bias = bias;
    gemm(product);
  };
  // Small products side by side, each by one thread; large ones one after the other, each by all.
  if (batch >= threads() && m * n * k < (int64_t{1} << 24)) parallel(batch, multiply);
  else for (int64_t index = 0; index < batch; index++) multiply(index);
}
