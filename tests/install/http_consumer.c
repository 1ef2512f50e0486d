/* Uses libtensorfile_http like a typical program. Nothing listens on the port, so the request fails. */
#include <stdio.h>
#include <tensorfile_http.h>

int main(void) {
  tf_http_options *options = NULL;
  tf_source *source = NULL;
  tf_status status = tf_http_options_new(&options);
  if (status == TF_STATUS_OK) status = tf_http_options_set(options, TF_HTTP_OPTION_RETRIES, 0);
  if (status == TF_STATUS_OK) status = tf_source_from_url(&source, "http://127.0.0.1:9/w.npy", options);
  tf_http_options_release(options);
  if (status == TF_STATUS_IO && source == NULL) return 0;
  fprintf(stderr, "http_consumer: status %d: %s\n", (int)status, tf_error_message());
  return 1;
}
