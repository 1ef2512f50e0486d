#include "http/remote_file.h"

using namespace tfhttp;

namespace {

tf_status make_source(tf_source **out, Ref<RemoteFile> file);

tf_status read_at(void *user, uint64_t offset, void *dst, size_t nbytes) {
  return static_cast<RemoteFile *>(user)->read(offset, dst, nbytes);
}

void release(void *user) {
  Ref<RemoteFile>(static_cast<RemoteFile *>(user)).reset();
}

// Opens another file of the set, at the same origin and below the same folder.
tf_status resolve(void *user, const char *name, tf_source **out) {
  RemoteFile &file = *static_cast<RemoteFile *>(user);
  Ref<RemoteFile> sibling;
  TFHTTP_TRY(file.open_sibling(&sibling, name));
  return make_source(out, static_cast<Ref<RemoteFile> &&>(sibling));
}

tf_status make_source(tf_source **out, Ref<RemoteFile> file) {
  RemoteFile *const opened = file.get();
  const Options &options = opened->client().options();
  tf_source *source = nullptr;
  TFHTTP_TRY(tf_source_new(&source, opened->size(), 1, read_at, nullptr, release, file.take()));
  tf_status status = tf_source_set_hints(source, static_cast<uint64_t>(options.number(TF_HTTP_OPTION_GAP)),
                                         static_cast<uint64_t>(options.number(TF_HTTP_OPTION_PIECE)),
                                         static_cast<uint32_t>(options.number(TF_HTTP_OPTION_REQUESTS)));
  if (status == TF_STATUS_OK) {
    opened->retain();
    status = tf_source_set_resolver(source, resolve, release, opened);
  }
  if (status == TF_STATUS_OK) {
    *out = source;
  } else {
    tf_source_release(source);
  }
  return status;
}

// Adds the name of the file to the message of a failure.
tf_status with_name(tf_status status, Text url) {
  const Text name = is_printable(url) ? shown_url(url) : Text();
  String message;
  message << name << (name.empty() ? "" : ": ") << tf_error_message();
  return message.ok() ? tf_error_set(status, message.c_str(), message.size()) : status;
}

}  // namespace

extern "C" {

tf_status tf_source_from_url(tf_source **out, const char *url, const tf_http_options *options) {
  if (out == nullptr) return Failure(TF_STATUS_INVALID_ARGUMENT) << "out is NULL";
  *out = nullptr;
  if (url == nullptr) return Failure(TF_STATUS_INVALID_ARGUMENT) << "url is NULL";
  Ref<Client> client;
  TFHTTP_TRY(Client::make(&client, options));
  Ref<RemoteFile> file;
  tf_status status = RemoteFile::open(&file, static_cast<Ref<Client> &&>(client), url);
  if (status != TF_STATUS_OK) return with_name(status, url);
  tf_source *source = nullptr;
  TFHTTP_TRY(make_source(&source, static_cast<Ref<RemoteFile> &&>(file)));
  const Text name = shown_url(url);
  status = tf_source_set_name(source, name.data, name.size);
  if (status == TF_STATUS_OK) {
    *out = source;
  } else {
    tf_source_release(source);
  }
  return status;
}

int32_t tf_is_url(const char *text) {
  Scheme scheme = Scheme::kHttp;
  return text != nullptr && find_scheme(&scheme, text) ? 1 : 0;
}

}  // extern "C"
