#include "file/declarations.h"

namespace tfile {

Declarations::~Declarations() {
  for (const NamedArray &named : arrays_)
    const_cast<Array *>(named.array)->release();
}

Status Declarations::add(const Format &format, Text name, tf_dtype dtype, Span<const int64_t> shape) {
  uint64_t nbytes = 0;
  TFILE_TRY(check_shape(&nbytes, dtype, shape));
  if (format.single_array && !arrays_.empty()) {
    return Failure(TF_STATUS_INVALID_ARGUMENT).array(name) << format.name << " holds one array, and it is declared";
  }
  NamedArray named{Text(), nullptr};
  TFILE_TRY(names_.copy(&named.name, name));
  Ref<Array> array;
  TFILE_TRY(make_array(array, arrays_.memory(), *find_dtype(dtype), shape, nullptr, Ref<Buffer>(), nullptr));
  named.array = array.get();
  TFILE_TRY(arrays_.push(named));
  size_t found = NameIndex::kNone;
  const Status status = index_.add(&found, named.name);
  if (status.ok() && found == NameIndex::kNone) {
    (void)array.take();
    return kOk;
  }
  arrays_.pop();
  TFILE_TRY(status);
  return Failure(TF_STATUS_DUPLICATE).array(name) << "is declared twice";
}

void Declarations::truncate(size_t count) {
  while (arrays_.size() > count) {
    index_.remove(arrays_.size() - 1);
    const_cast<Array *>(arrays_.back().array)->release();
    arrays_.pop();
  }
}

}  // namespace tfile
