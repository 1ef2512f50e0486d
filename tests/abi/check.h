/* Checks for the tests in C, which report where they failed, and set the exit status of the program. */
#ifndef TENSORFILE_TESTS_CHECK_H
#define TENSORFILE_TESTS_CHECK_H

#include <stdio.h>
#include <string.h>
#include <tensorfile.h>

static int check_failures = 0;

#define CHECK(condition)                                                                                     \
  do {                                                                                                       \
    if (!(condition)) {                                                                                      \
      ++check_failures;                                                                                      \
      fprintf(stderr, "%s:%d: %s (last failure: %s)\n", __FILE__, __LINE__, #condition, tf_error_message()); \
    }                                                                                                        \
  } while (0)

/* Checks that a call returns a status. */
#define CHECK_STATUS(status, call)                                                                        \
  do {                                                                                                    \
    const tf_status check_got = (call);                                                                   \
    if (check_got != (status)) {                                                                          \
      ++check_failures;                                                                                   \
      fprintf(stderr, "%s:%d: %s: expected %s, found %s (last failure: %s)\n", __FILE__, __LINE__, #call, \
              tf_status_name(status), tf_status_name(check_got), tf_error_message());                     \
    }                                                                                                     \
  } while (0)

#define CHECK_OK(call) CHECK_STATUS(TF_STATUS_OK, call)

#define CHECK_TEXT(expected, text) CHECK(strcmp((expected), (text)) == 0)

#define CHECK_CONTAINS(part, text) CHECK(strstr((text), (part)) != NULL)

static int check_result(void) {
  if (check_failures != 0) fprintf(stderr, "%d checks failed\n", check_failures);
  return check_failures == 0 ? 0 : 1;
}

#endif
