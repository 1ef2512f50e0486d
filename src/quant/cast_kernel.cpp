#include "quant/cast_kernel.h"

#include "quant/decode_lanes.h"

namespace tfile {

CastKernel find_cast_kernel(tf_dtype from, tf_dtype to) {
  const CastKernel lanes = to == TF_DTYPE_FLOAT32 && cpu_has_lanes() ? find_lane_decoder(from) : nullptr;
  return lanes != nullptr ? lanes : find_scalar_kernel(from, to);
}

}  // namespace tfile
