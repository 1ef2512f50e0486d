// Runs checks in a child process, for tests that change privileges, limits or the current folder.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tfile {

// Runs check() in a child process. The test fails if it returns false or an expectation in it fails.
template <typename Check>
void expect_in_child(Check check) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(check() && !::testing::Test::HasFailure() ? 0 : 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// Runs check() in a child process as a user other than root, because file modes do not restrict root.
template <typename Check>
void expect_without_privileges(Check check) {
  expect_in_child([&] {
    if (geteuid() == 0 && (setegid(65534) != 0 || seteuid(65534) != 0)) return false;
    return check();
  });
}

}  // namespace tfile
