// The option --header-slack of `tensorfile convert`.
#pragma once

#include "cli/convert_inputs.h"

namespace cli {

// Makes sure that the header of OUT will end in at least as many spaces as the option asks for. Throws UsageError if that
// is more than the library can leave.
void leave_slack(ConvertPlan &plan, const ConvertRequest &request);

}  // namespace cli
