// Writes a whole save request, in any format, to any sink.
#pragma once

#include "format/format.h"

namespace tfile {

// Writes a request that the format's check() has accepted, with several threads if the sink can write at any offset.
Status write_request(Sink &sink, const Format &format, const SaveRequest &request);

}  // namespace tfile
