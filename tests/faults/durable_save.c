/* Loads a file and saves its arrays durably over another, for a test that traces its system calls. */
#include <stdio.h>

#include "tensorfile.h"

int main(int argc, char **argv) {
  tf_dict *arrays = NULL;
  tf_options *options = NULL;
  tf_status status;
  if (argc != 3) return 2;
  status = tf_options_new(&options);
  if (status == TF_STATUS_OK) status = tf_options_set(options, TF_OPTION_DURABLE, 1);
  if (status == TF_STATUS_OK) status = tf_load(NULL, &arrays, NULL, argv[1], options);
  if (status == TF_STATUS_OK) status = tf_savez(argv[2], NULL, 0, arrays, options);
  if (status != TF_STATUS_OK) fprintf(stderr, "%s\n", tf_error_message());
  tf_dict_release(arrays);
  tf_options_release(options);
  return status == TF_STATUS_OK ? 0 : 1;
}
