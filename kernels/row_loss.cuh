/* row_loss.cuh - the loss of rows from what the blocks of a launch have summed of it.
 *
 * Numerics: block after block, in double; the number of blocks depends on the number of rows alone. */
#ifndef AIT_KERNELS_ROW_LOSS_CUH
#define AIT_KERNELS_ROW_LOSS_CUH

#include "device.cuh"
#include "kernels.h"

/* The blocks of a launch over `count` rows that leaves a sum a block. */
inline int64_t ait_loss_blocks(int64_t count) {
  return ait_smaller(ait_ceil_div(count, AIT_THREADS), AIT_SUM_SLOTS);
}

namespace {

__global__ void finish_loss(int64_t blocks, double total, const double *sums, ait_real *loss) {
  double sum = 0;
  for (int64_t block = 0; block < blocks; ++block) {
    sum += sums[block];
  }
  *loss = (ait_real)(sum / total);
}

/* *loss = the sums of the blocks of the launch before it / total; nothing where loss is NULL. */
cudaError_t launch_finish_loss(cudaStream_t stream, int64_t blocks, int64_t total, const double *sums, ait_real *loss) {
  if (loss != NULL) {
    AIT_LAUNCH(finish_loss, 1, 1, 0, stream, blocks, (double)total, sums, loss);
  }
  return AIT_LAUNCHED();
}

}  // namespace

#endif
