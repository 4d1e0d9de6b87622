/* gemm.c - matrix products of the CPU device: single-threaded OpenBLAS calls over fixed tiles. */
#include <cblas.h>
#include <limits.h>

#include "device/cpu/cpu.h"

/* The output is cut along its longer side into tiles of at least LEAST_TILE, TILES at most: small
 * enough to share among threads, large enough that packing the other operand again for every tile
 * stays cheap. Below SERIAL_PRODUCTS multiplications one thread does them all. */
enum { LEAST_TILE = 128, TILES = 32, SERIAL_PRODUCTS = 1 << 17 };

#ifdef AIT_DOUBLE
#define CBLAS_GEMM cblas_dgemm
#else
#define CBLAS_GEMM cblas_sgemm
#endif

void ait_cpu_gemm_tile(const ait_gemm *g, int64_t i, int64_t m, int64_t j, int64_t n) {
  const ait_real *a = g->a + (g->transpose_a ? i : i * g->lda);
  const ait_real *b = g->b + (g->transpose_b ? j * g->ldb : j);
  CBLAS_GEMM(CblasRowMajor, g->transpose_a ? CblasTrans : CblasNoTrans, g->transpose_b ? CblasTrans : CblasNoTrans,
             (blasint)m, (blasint)n, (blasint)g->k, (ait_real)g->alpha, a, (blasint)g->lda, b, (blasint)g->ldb,
             (ait_real)g->beta, g->c + i * g->ldc + j, (blasint)g->ldc);
}

/* OpenBLAS does not say that k = 0 is done: c = beta c, and c is not read where beta is 0. */
static void scale_output(const ait_gemm *g) {
  for (int64_t i = 0; i < g->m; ++i) {
    for (int64_t j = 0; j < g->n; ++j) {
      ait_real *c = g->c + i * g->ldc + j;
      *c = g->beta == 0 ? 0 : (ait_real)g->beta * *c;
    }
  }
}

/* One product in tiles of the output's longer side, shared among the threads; `tile` is a tile's length there. */
static void multiply_tiles(ait_device *device, const ait_gemm *gemm, int64_t tile) {
  int by_rows = gemm->m >= gemm->n;
  int64_t side = by_rows ? gemm->m : gemm->n, tiles = ait_ceil_div(side, tile);
  double products = (double)gemm->m * (double)gemm->n * (double)gemm->k;
#pragma omp parallel for num_threads(device->threads) schedule(dynamic) if (tiles > 1 && products > SERIAL_PRODUCTS)
  for (int64_t t = 0; t < tiles; ++t) {
    int64_t begin = t * tile, count = ait_min64(tile, side - begin);
    ait_cpu_gemm_tile(gemm, by_rows ? begin : 0, by_rows ? count : gemm->m, by_rows ? 0 : begin,
                      by_rows ? gemm->n : count);
  }
}

/* One product; `whole`: in one tile. */
static ait_status multiply(ait_device *device, const ait_gemm *gemm, int whole) {
  int64_t side = ait_max64(gemm->m, gemm->n), largest = ait_max64(side, gemm->k);
  largest = ait_max64(ait_max64(largest, gemm->lda), ait_max64(gemm->ldb, gemm->ldc));
  if (largest > INT_MAX) {
    return ait_fail(AIT_UNSUPPORTED, "gemm: a size or leading dimension is %lld; OpenBLAS takes at most %d",
                    (long long)largest, INT_MAX);
  }
  if (gemm->k == 0) {
    scale_output(gemm);
  } else if (whole) {
    ait_cpu_gemm_tile(gemm, 0, gemm->m, 0, gemm->n);
  } else {
    multiply_tiles(device, gemm, ait_max64(LEAST_TILE, ait_round_up(ait_ceil_div(side, TILES), LEAST_TILE / 4)));
  }
  return AIT_OK;
}

static ait_status multiply_batch(ait_device *device, const ait_gemm *gemm, int whole) {
  ait_gemm product = *gemm;
  for (int64_t i = 0; i < ait_max64(gemm->batch, 1); ++i) {
    product.a = gemm->a + i * gemm->stride_a;
    product.b = gemm->b + i * gemm->stride_b;
    product.c = gemm->c + i * gemm->stride_c;
    AIT_TRY(multiply(device, &product, whole));
  }
  return AIT_OK;
}

ait_status ait_cpu_gemm(ait_device *device, const ait_gemm *gemm) {
  return multiply_batch(device, gemm, 0);
}

ait_status ait_cpu_lane_gemm(ait_device *device, const ait_gemm *gemm) {
  return multiply_batch(device, gemm, 1);
}
