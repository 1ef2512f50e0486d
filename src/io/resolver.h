// Resolver: a function of the user that finds the other files of a set, for sources and sinks.
#pragma once

#include "base/memory.h"

namespace tfile {

template <typename Function>
struct Resolver {
  RefCount refs;
  Ref<Memory> memory;
  Function resolve = nullptr;
  tf_release_fn release_user = nullptr;
  void *user = nullptr;

  void retain() { refs.increment(); }
  void release() {
    if (refs.decrement()) destroy_and_release(this);
  }
};

// Makes a resolver, or none if the function is NULL. Takes ownership of the release callback on success.
template <typename Function>
Status make_resolver(Ref<Resolver<Function>> &out, Memory &memory, Function resolve, PendingRelease &release) {
  Resolver<Function> *made = nullptr;
  if (resolve != nullptr) {
    TFILE_TRY(make(&made, memory));
    made->memory = Ref<Memory>::share(&memory);
    made->resolve = resolve;
    made->release_user = release.disarm();
    made->user = release.user();
  }
  out = Ref<Resolver<Function>>::adopt(made);
  return kOk;
}

}  // namespace tfile
