// The codebooks of ggml's IQ types: tables of rows of values. Blocks store the indices of rows.
#pragma once

#include <cstdint>

namespace tfile {

// A row contains several codes, lowest bits first, each of which represents a small integer.
// IQ2: 8 codes of 2 bits, with the values 8, 25, 43.
extern const uint16_t kIq2XxsRows[256];
extern const uint16_t kIq2XsRows[512];
extern const uint16_t kIq2SRows[1024];
// IQ3: 4 codes of 4 bits, with the values 4, 12, 20, 28, 36, 44, 52, 62; in IQ3_S, 1, 3, 5, ..., 15.
extern const uint16_t kIq3XxsRows[256];
extern const uint16_t kIq3SRows[512];
// IQ1_S and IQ1_M: 8 codes of 2 bits, with the values -1, 0, 1.
extern const uint16_t kIq1Rows[2048];

}  // namespace tfile
