#include "file/open.h"

#include "file/sets/gguf_split.h"
#include "file/sets/safetensors_index.h"

namespace tfile {

Status open_path(Ref<OpenedFile> &out, const char *path, const Settings &settings) {
  Ref<Source> source;
  TFILE_TRY(source_from_path(source, settings.memory(), path));
  if (is_index_path(source->label)) return open_index(out, source, settings);
  Ref<OpenedFile> file;
  TFILE_TRY(open_source(file, std::move(source), TF_FORMAT_AUTO, settings));
  if (settings.on(TF_OPTION_PARTS)) TFILE_TRY(open_split(file));
  out = std::move(file);
  return kOk;
}

}  // namespace tfile
