// report.h - how the emulation tells of an error.
#ifndef SIMT_REPORT_H
#define SIMT_REPORT_H

namespace simt {

// Writes "simt: ", the message and a line end to stderr, and aborts.
[[noreturn]] void Die(const char *format, ...) __attribute__((format(printf, 1, 2)));

}  // namespace simt

#endif
