// faults.h - launchers of the kernels in faults.cu, which are right or wrong as their arguments say.
#ifndef SIMT_FAULTS_H
#define SIMT_FAULTS_H

#include <cstdint>

#include "cuda_runtime_api.h"

namespace faults {

// out_i = value for i < n.
void Fill(cudaStream_t stream, int64_t n, float value, float *out);

// One block of n threads: each writes an entry of n in shared memory, `excess` further on.
void FillShared(cudaStream_t stream, unsigned n, unsigned excess, float *out);

// One block reverses n entries several times by way of shared memory, with all barriers that this
// needs or without some.
enum class Omit { kNothing, kAfterWriting, kAfterReading };
void Reverse(cudaStream_t stream, unsigned n, int times, Omit omit, float *v);

// Each of two blocks of one thread writes its entry, or both write entry 0.
void WriteFromBlocks(cudaStream_t stream, bool same, float *out);

// Two blocks of n threads: all come to one barrier; only the first `live` threads of block 1 do; or
// odd and even threads of block 1 come to different ones.
void BarrierForSome(cudaStream_t stream, unsigned n, unsigned live);
void BarrierInBranches(cudaStream_t stream, unsigned n, bool different);

// One thread sums `count` entries of shared memory of which it has written `written`.
void SumShared(cudaStream_t stream, unsigned count, unsigned written, float *out);

// out = the sum of n entries, by one block of AIT_THREADS threads.
void Sum(cudaStream_t stream, int64_t n, const float *v, float *out);

// v_i *= factor, passed by value and read from device memory.
void ScaleByValue(cudaStream_t stream, int64_t n, float factor, float *v);
void ScaleByMemory(cudaStream_t stream, int64_t n, const float *factor, float *v);

// out_i = i, where i counts the threads of all blocks in CUDA's order: x first, blocks last.
void Number(cudaStream_t stream, const unsigned *blocks, const unsigned *threads, int *out);

// Counts the threads of `blocks` blocks.
void Count(cudaStream_t stream, unsigned blocks, int *a, unsigned *b, unsigned long long *c);

// `rounds` barriers by each of `blocks` blocks of 256 threads, and an addition after each.
void Barriers(cudaStream_t stream, unsigned blocks, int rounds, float *out);

// A cooperative launch of `blocks` blocks of n threads, whose neighbours exchange numbers by way of `v` in each of
// several rounds (v_i = rounds at the end): with a barrier of the grid after writing and after reading, or without one,
// or with none in the last block.
enum class OmitGrid { kNothing, kAfterWriting, kInTheLastBlock };
cudaError_t Exchange(cudaStream_t stream, unsigned blocks, unsigned n, size_t shared_bytes, int rounds, OmitGrid omit,
                     int *v);

// Exchange's kernel without a cooperative launch.
cudaError_t ExchangeAlone(cudaStream_t stream, int *v);

// One block of n threads: out_i = the sum of i over its warp; lanes of odd warps beyond `live` do not come.
void SumOfWarp(cudaStream_t stream, unsigned n, unsigned live, int *out);

// One block of n threads copies n * 16 bytes to shared memory asynchronously, and writes each its own part back,
// having waited or not; or reads its neighbour's with a barrier or without.
enum class OmitCopy { kNothing, kWait, kBarrier };
void CopyThroughShared(cudaStream_t stream, unsigned n, OmitCopy omit, const int *v, int *out);

// Fill with a launch configuration that may be impossible.
void Configured(cudaStream_t stream, int blocks, int threads, size_t shared_bytes, float *out);

}  // namespace faults

#endif
