#!/bin/sh
# A C++ compiler that does not optimize, whatever it is asked for: for tests that build the library as users do, of which
# only the result matters.
exec c++ "$@" -O0
