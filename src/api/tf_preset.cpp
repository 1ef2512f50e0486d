#include "api/arguments.h"
#include "quant/presets.h"

using namespace tfile;

extern "C" {

tf_preset tf_preset_at(size_t index) {
  const Span<const Preset> presets = all_presets();
  return index < presets.size() ? presets[index].id : TF_PRESET_NONE;
}

const char *tf_preset_name(tf_preset preset) {
  const Preset *const found = find_preset(preset);
  return found != nullptr ? found->name : "unknown";
}

tf_preset tf_preset_from_name(const char *name) {
  if (is_null(name, "name")) return TF_PRESET_NONE;
  const Preset *const found = find_preset(Text(name));
  return found != nullptr ? found->id : TF_PRESET_NONE;
}

tf_dtype tf_preset_dtype(tf_preset preset) {
  const Preset *const found = find_preset(preset);
  return found != nullptr ? found->dtype : TF_DTYPE_UNSUPPORTED;
}

}  // extern "C"
