/* state.c - what a solver has to keep to go on later to the very same bits. */
#include <math.h>
#include <string.h>

#include "context/error.h"
#include "data/bytes.h"
#include "solver/solver_state.h"

/* "AITstate" and the version of the layout, precision, shapes: what a state has to have in common with the solver that
 * takes it. */
enum { MARK, VERSION, REAL_BYTES, BATCH, UNKNOWNS_X, UNKNOWNS_Y, MOMENTS_X, MOMENTS_Z, HEAD_WORDS };

static const int64_t mark = 0x6574617473544941, layout_version = 1;

static void make_head(const ait_solver *solver, int64_t head[HEAD_WORDS]) {
  head[MARK] = mark;
  head[VERSION] = layout_version;
  head[REAL_BYTES] = (int64_t)sizeof(ait_real);
  head[BATCH] = solver->batch;
  head[UNKNOWNS_X] = solver->n;
  head[UNKNOWNS_Y] = solver->m;
  head[MOMENTS_X] = solver->x.moment2 == NULL ? 1 : 2;
  head[MOMENTS_Z] = solver->z.moment2 == NULL ? 1 : 2;
}

/* ---- out --------------------------------------------------------------------------------------- */

static ait_status put_vector(ait_solver *solver, ait_writer *writer, int64_t size, const ait_real *vector) {
  const ait_runtime_ops *runtime = solver->device->runtime;
  const size_t bytes = (size_t)size * sizeof *vector;
  void *room = ait_put_room(writer, bytes);
  if (room == NULL) {
    return AIT_OK;
  }
  AIT_TRY(runtime->copy_out(solver->device, bytes, vector, room));
  AIT_TRY(runtime->synchronize(solver->device));
  ait_turn_reals(size, room);
  return AIT_OK;
}

static ait_status put_variable(ait_solver *solver, ait_writer *writer, const ait_variable *variable) {
  AIT_TRY(put_vector(solver, writer, variable->size, variable->value));
  AIT_TRY(put_vector(solver, writer, variable->size, variable->moment1));
  return variable->moment2 == NULL ? AIT_OK : put_vector(solver, writer, variable->size, variable->moment2);
}

/* Gradients, trajectory and findings are not among it: the next iteration makes them anew. */
static ait_status put_state(ait_solver *solver, ait_writer *writer) {
  int64_t head[HEAD_WORDS];
  make_head(solver, head);
  ait_put_wholes(writer, HEAD_WORDS, head);
  ait_put_whole(writer, solver->t);
  ait_put_whole(writer, solver->has_references);
  ait_put_numbers(writer, 2 * solver->batch, solver->f_reference); /* and F's, which follow */
  ait_put_wholes(writer, solver->batch, solver->curved);
  ait_put_wholes(writer, solver->batch, solver->unsolved);
  AIT_TRY(put_variable(solver, writer, &solver->x));
  return put_variable(solver, writer, &solver->z);
}

size_t ait_solver_state_size(const ait_solver *solver) {
  const int64_t reals =
      solver->x.size * (solver->x.moment2 == NULL ? 2 : 3) + solver->z.size * (solver->z.moment2 == NULL ? 2 : 3);
  return 8 * (size_t)(HEAD_WORDS + 2 + 4 * solver->batch) + (size_t)reals * sizeof(ait_real);
}

ait_status ait_solver_get_state(ait_solver *solver, void *state) {
  ait_writer writer = {.data = state};
  AIT_TRY(ait_solver_settle(solver));
  return put_state(solver, &writer);
}

/* ---- in ---------------------------------------------------------------------------------------- */

static ait_status check_head(const ait_solver *solver, ait_reader *reader) {
  int64_t wanted[HEAD_WORDS], found[HEAD_WORDS];
  make_head(solver, wanted);
  ait_take_wholes(reader, HEAD_WORDS, found);
  if (reader->failed || found[MARK] != mark || found[VERSION] != layout_version) {
    return ait_fail(AIT_BAD_DATA, "these bytes are no state of a solver of this version");
  }
  if (found[REAL_BYTES] != wanted[REAL_BYTES]) {
    return ait_fail(AIT_BAD_DATA, "the state has numbers of %lld bytes, the solver numbers of %lld",
                    (long long)found[REAL_BYTES], (long long)wanted[REAL_BYTES]);
  }
  if (memcmp(found, wanted, sizeof found) != 0) {
    return ait_fail(AIT_BAD_DATA,
                    "the state is of another solver: batch %lld, n = %lld, m = %lld, %lld and %lld moments of x and z; "
                    "this one has batch %lld, n = %lld, m = %lld, %lld and %lld moments",
                    (long long)found[BATCH], (long long)found[UNKNOWNS_X], (long long)found[UNKNOWNS_Y],
                    (long long)found[MOMENTS_X], (long long)found[MOMENTS_Z], (long long)wanted[BATCH],
                    (long long)wanted[UNKNOWNS_X], (long long)wanted[UNKNOWNS_Y], (long long)wanted[MOMENTS_X],
                    (long long)wanted[MOMENTS_Z]);
  }
  return AIT_OK;
}

/* A vector of the state becomes the device's. */
static ait_status take_vector(ait_solver *solver, ait_reader *reader, int64_t size, ait_real *vector) {
  const size_t bytes = (size_t)size * sizeof *vector;
  unsigned char few[1 << 16];
  for (size_t done = 0; done < bytes;) {
    const size_t part = bytes - done < sizeof few ? bytes - done : sizeof few;
    memcpy(few, ait_take_bytes(reader, part), part);
    ait_turn_reals((int64_t)(part / sizeof *vector), few);
    AIT_TRY(solver->device->runtime->copy_in(solver->device, part, few, (char *)vector + done));
    done += part;
  }
  return AIT_OK;
}

static ait_status take_variable(ait_solver *solver, ait_reader *reader, const ait_variable *variable) {
  AIT_TRY(take_vector(solver, reader, variable->size, variable->value));
  AIT_TRY(take_vector(solver, reader, variable->size, variable->moment1));
  return variable->moment2 == NULL ? AIT_OK : take_vector(solver, reader, variable->size, variable->moment2);
}

ait_status ait_solver_set_state(ait_solver *solver, size_t bytes, const void *state) {
  ait_reader reader = {.data = state, .left = bytes};
  AIT_TRY(check_head(solver, &reader));
  if (bytes != ait_solver_state_size(solver)) {
    return ait_fail(AIT_BAD_DATA, "the state has %zu bytes; expected %zu", bytes, ait_solver_state_size(solver));
  }
  const int64_t t = ait_take_whole(&reader), has_references = ait_take_whole(&reader);
  if (t < 0 || has_references < 0 || has_references > 1) {
    return ait_fail(AIT_BAD_DATA, "the state is damaged: it has made %lld UL iterations", (long long)t);
  }
  AIT_TRY(ait_solver_settle(solver));
  solver->t = t;
  solver->has_references = (int32_t)has_references;
  ait_take_numbers(&reader, 2 * solver->batch, solver->f_reference);
  ait_take_wholes(&reader, solver->batch, solver->curved);
  ait_take_wholes(&reader, solver->batch, solver->unsolved);
  AIT_TRY(take_variable(solver, &reader, &solver->x));
  AIT_TRY(take_variable(solver, &reader, &solver->z));
  solver->rolled_out = solver->swept = 0;
  return AIT_OK;
}
